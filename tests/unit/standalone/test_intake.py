"""Rows of a user's log become the events that upstream would have published."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from proofwatch.intake import Columns, Intake
from proofwatch.scorefile.mapping import Mapping
from proofwatch.scorefile.reader import Reader
from proofwatch.tabular import Row

START = datetime(2026, 1, 1, tzinfo=UTC)


def intake(*columns: str, required: frozenset[str] = frozenset(), **mapped: dict[str, str]) -> Intake:
    found = Columns.of(columns, mapped.get("fields", {}), mapped.get("segments", {}))
    return Intake(Reader(found, Mapping(), {}), "replay", "abc123", START, timedelta(seconds=1), required)


def row(**values: str | None) -> Row:
    return Row("log.csv", 2, values)


def events(at: Intake, values: Row, number: int = 0) -> tuple[dict[str, Any], dict[str, Any] | None]:
    transaction, label = at.events(number, values)
    assert transaction.value is not None
    return orjson.loads(transaction.value), orjson.loads(label.value) if label and label.value else None


def test_missing_columns_get_documented_defaults() -> None:
    """No id: file hash and row number; no subject: its own; no time: one event a second from the start."""
    event, label = events(intake("match_score"), row(match_score="0.9"), number=5)
    assert event["transaction_id"] == "abc123-5"
    assert event["subject_ref"] == "subject-of-abc123-5"
    assert event["occurred_at"] == "2026-01-01T00:00:05+00:00"
    assert event["checks"] == ["match"]
    assert label is None


def test_an_attempt_id_is_handed_on_and_otherwise_absent() -> None:
    """Several rows may be attempts of one transaction."""
    columns = intake("transaction_id", "attempt_id", "match_score")
    with_id, _ = events(columns, row(transaction_id="s", attempt_id="2", match_score="0.9"))
    without, _ = events(columns, row(transaction_id="s", match_score="0.9"))
    assert (with_id["transaction_id"], with_id["attempt_id"]) == ("s", "2")
    assert "attempt_id" not in without


@pytest.mark.parametrize("length", [128, 245, 246, 256])
def test_a_long_id_makes_a_subject_of_its_own_that_fits(length: int) -> None:
    """An id as long as the schema allows is an id; the subject that is made of it stays within the limit."""
    first, second = (
        events(intake("transaction_id", "match_score"), row(transaction_id=id_, match_score="0.9"))[0]["subject_ref"]
        for id_ in ("a" * length, "a" * (length - 1) + "b")
    )
    assert first != second
    assert len(first) <= 256


@pytest.mark.parametrize(
    ("columns", "values", "required", "checks"),
    [
        (("match_score", "liveness_score"), {"match_score": "0.9", "liveness_score": "0.9"}, (), ["match", "liveness"]),
        (("match_score",), {"match_score": "0.9", "presentation": None}, (), ["match"]),
        (("match_score", "liveness_score"), {"match_score": "0.9", "liveness_score": None}, (), ["match"]),
        (("liveness_score", "presentation"), {"liveness_score": None, "presentation": "attack"}, (), ["liveness"]),
        (("match_score", "presentation"), {"match_score": "0.9", "presentation": "attack"}, (), ["match"]),
        (("match_score",), {"match_score": "0.9"}, ("liveness",), ["match", "liveness"]),
        (("match_score", "pair"), {"match_score": None, "pair": None}, (), []),
    ],
)
def test_a_blank_score_was_asked_for_only_where_truth_or_policy_says_so(
    columns: tuple[str, ...], values: dict[str, str | None], required: tuple[str, ...], checks: list[str]
) -> None:
    """An absent column was not requested; a blank cell is a failure to acquire where its label is set."""
    event, _ = events(intake(*columns, required=frozenset(required)), row(**values))
    assert event["checks"] == checks


def test_labels_travel_as_label_events() -> None:
    """Pair, presentation and species become a label of the same transaction."""
    at = intake("transaction_id", "liveness_score", "presentation", "pai_species")
    _, label = events(at, row(transaction_id="t1", liveness_score="0.1", presentation="attack", pai_species="mask"))
    assert label is not None
    assert (label["transaction_id"], label["presentation"], label["pai_species"]) == ("t1", "attack", "mask")
    assert "pair" not in label
    assert "attack_class" not in label


@pytest.mark.parametrize(("cell", "travels"), [("Injected", "injection"), ("presented", "presentation"), ("x", "x")])
def test_the_class_of_an_attack_travels_with_the_label(cell: str, travels: str) -> None:
    """In our word; what cannot be read as it was written, for the services to refuse."""
    at = intake("transaction_id", "liveness_score", "presentation", "pai_species", "attack_class")
    _, label = events(at, row(transaction_id="t1", liveness_score="0.1", presentation="attack", attack_class=cell))
    assert label is not None
    assert (label["presentation"], label["attack_class"]) == ("attack", travels)


@pytest.mark.parametrize("written", ["NaN", "inf", "high", "1e400"])
def test_a_cell_that_is_no_number_reaches_the_scorer_as_written(written: str) -> None:
    """The scorer refuses it with a reason; the file goes on."""
    event, _ = events(intake("match_score"), row(match_score=written))
    assert event["match_score"] == written


def test_builtin_segments_and_the_device_map_by_name() -> None:
    """Catalogue columns become segments; handset columns become the device."""
    at = intake("match_score", "sex", "os", "device_model")
    event, _ = events(at, row(match_score="0.9", sex="female", os="ios", device_model=None))
    assert event["segments"] == {"sex": "female"}
    assert event["device"] == {"os": "ios"}
    at = intake("match_score", "matcher_version", "pad_version", "sex")
    event, _ = events(at, row(match_score="0.9", matcher_version="7.3", pad_version=None, sex="female"))
    assert (event["matcher_version"], event["segments"]) == ("7.3", {"sex": "female"})
    assert "pad_version" not in event


def test_other_columns_need_the_mapping() -> None:
    """A mapping names columns for fields and for segments of one's own; the rest is dropped by name."""
    found = Columns.of(("score", "branch", "note"), {"score": "match_score"}, {"branch": "branch_code"})
    assert found.fields == {"match_score": "score"}
    assert found.segments == {"branch_code": "branch"}
    assert found.dropped == ("note",)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"absent": "match_score"}, "'absent', which the file does not have"),
        ({"score": "matchscore"}, "'matchscore'; fields are transaction_id"),
        ({"score": "match_score"}, "'match_score' and 'score' would both be match_score"),
    ],
)
def test_a_mapping_that_cannot_hold_is_refused_by_name(fields: dict[str, str], says: str) -> None:
    """The message names the column and what would be right."""
    with pytest.raises(ValueError, match=says):
        Columns.of(("score", "match_score"), fields, {})


@pytest.mark.parametrize(
    ("written", "kept"),
    [("2026-03-01T10:00:00+02:00", "2026-03-01T10:00:00+02:00"), ("2026-03-01T10:00:00", "2026-03-01T10:00:00+00:00")],
)
def test_times_of_the_file_are_kept_and_mean_utc_where_they_say_nothing(written: str, kept: str) -> None:
    """The event time is the record's time; a time that cannot be read is left for the scorer to refuse."""
    at = intake("match_score", "occurred_at")
    assert events(at, row(match_score="0.9", occurred_at=written))[0]["occurred_at"] == kept
    assert events(at, row(match_score="0.9", occurred_at="yesterday"))[0]["occurred_at"] == "yesterday"
