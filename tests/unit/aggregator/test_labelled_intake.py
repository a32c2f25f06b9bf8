"""What the ledger keeps of verdicts and labels, and what it refuses."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from proofwatch.events.rejected import Rejected
from services.aggregator.core.entries import Entry
from services.aggregator.core.labelled import DAY_US
from services.aggregator.core.labelled_intake import label_entry, verdict_entry

CATALOGUE = frozenset({"sex", "os", "device_model"})
VERDICT: dict[str, Any] = {
    "schema_version": 1,
    "tenant": "bank",
    "transaction_id": "t1",
    "subject_ref": "somebody",
    "occurred_at": "1970-01-02T01:00:00.000001+01:00",
    "decision": "retry",
    "action": "retake_selfie",
    "reasons": ["liveness_below_threshold"],
    "match_outcome": "not_requested",
    "liveness_outcome": "fail",
    "match_score": None,
    "liveness_score": 0.25,
    "basis": {
        "policy_hash": "a" * 32,
        "controls_version": 0,
        "patterns_version": 0,
        "match_threshold": 0.85,
        "liveness_threshold": 0.5,
        "attempts_before": {"match": 0, "liveness": 0},
    },
    "device": {"ref": "handset-7", "model": "Phone 1", "os": "ios"},
    "segments": {"sex": "female", "os": "android", "shoe_size": "42"},
}
LABEL: dict[str, Any] = {
    "schema_version": 1,
    "tenant": "bank",
    "transaction_id": "t1",
    "label_id": "l1",
    "asserted_at": "2026-01-01T00:00:00Z",
    "authority": 3,
}


def test_a_verdict_leaves_its_trial_and_nothing_that_names_subject_or_handset() -> None:
    """Data minimisation: no subject_ref, no device reference; segments of the catalogue only, upstream's word first."""
    key, entry = verdict_entry(msgspec.json.encode(VERDICT), 77, CATALOGUE)
    assert key == ("bank", "t1")
    assert entry.trial is not None
    assert entry.trial.logged_ms == 77
    assert entry.trial.occurred_us == DAY_US + 1
    assert (entry.trial.match_score, entry.trial.liveness_score) == (-1, 0.25)
    assert entry.trial.segments == '{"device_model":"Phone 1","os":"android","sex":"female"}'
    assert "somebody" not in repr(entry)
    assert "handset-7" not in repr(entry)


def test_a_label_asserts_only_what_it_says() -> None:
    """Null says nothing about an aspect; an attack without species is of the species unknown."""

    def read(**says: Any) -> Entry:
        return label_entry(msgspec.json.encode(LABEL | says))[1]

    assert read() == Entry()
    pair = read(pair="impostor", sampling_probability=0.25)
    assert pair.presentation is None
    assert pair.pair is not None
    assert (pair.pair.authority, pair.pair.trial_class, pair.pair.probability) == (3, "impostor", 0.25)
    classes = [
        read(presentation="bona_fide", pai_species="mask"),
        read(presentation="attack", pai_species="mask"),
        read(presentation="attack"),
        read(presentation="attack", pai_species=""),
    ]
    assert [entry.presentation and entry.presentation.trial_class for entry in classes] == [
        "bona_fide",
        "attack:mask",
        "attack:unknown",
        "attack:unknown",
    ]


def read_verdict(value: bytes) -> object:
    return verdict_entry(value, 0, CATALOGUE)


@pytest.mark.parametrize(
    ("read", "event", "field", "value"),
    [
        (read_verdict, VERDICT, "occurred_at", "1969-12-31T23:59:59Z"),
        (read_verdict, VERDICT, "occurred_at", "9999-12-31T23:59:59-12:00"),
        (read_verdict, VERDICT, "transaction_id", "t\0"),
        (read_verdict, VERDICT, "segments", {"sex": "\0"}),
        (label_entry, LABEL, "asserted_at", "0001-01-01T00:00:00+14:00"),
        (label_entry, LABEL, "label_id", "\0"),
    ],
)
def test_what_the_tables_cannot_hold_is_refused_with_its_reason(
    read: Callable[[bytes], object], event: dict[str, Any], field: str, value: Any
) -> None:
    """Valid by the schema, but no date of a window or no text of a column: a dead letter, not a stopped lane."""
    with pytest.raises(Rejected) as refused:
        read(msgspec.json.encode(event | {field: value}))
    assert refused.value.reason == "schema_mismatch"


def test_a_harmless_backslash_is_no_null_character() -> None:
    """The text \\u0000, spelled out, is six ordinary characters."""
    spelled = msgspec.json.encode(VERDICT | {"transaction_id": "\\u0000"})
    assert verdict_entry(spelled, 0, CATALOGUE)[0] == ("bank", "\\u0000")
