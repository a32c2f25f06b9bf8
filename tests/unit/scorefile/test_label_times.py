"""When a truth came: by the row's own column, else so long after its transaction as the mapping says."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.scorefile.columns import Columns
from proofwatch.scorefile.mapping import Mapping, load_mapping
from proofwatch.scorefile.reader import EARLY, Reader, Reading
from proofwatch.tabular import Row, TableError, open_table

HEAD = ("occurred_at", "match_score", "pair", "labelled_at")
AT = "2026-01-05T10:00:00Z"


def read(path: Path, labelled_at: str, pair: str = "genuine", **mapping: object) -> tuple[Reading, Reader, Row]:
    file = path / "log.csv"
    file.write_text(f"{','.join(HEAD)}\n{AT},0.9,{pair},{labelled_at}\n")
    table = open_table(file)
    reader = Reader(Columns.of(table.columns, {}, {}), Mapping.model_validate(mapping), {})
    (row,) = table.rows(HEAD)
    return reader.read(row), reader, row


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("2026-01-09T08:30:00+01:00", datetime(2026, 1, 9, 7, 30, tzinfo=UTC)),
        ("2026-01-09", datetime(2026, 1, 10, tzinfo=UTC)),  # sometime on that day: by its end it was known
        ("2026-01-05", datetime(2026, 1, 6, tzinfo=UTC)),
        (AT, datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("", None),
        ("n/a", None),
    ],
)
def test_a_truth_comes_when_the_row_says(tmp_path: Path, written: str, known: datetime | None) -> None:
    """A day alone is its end; blank is left to the mapping."""
    reading, reader, row = read(tmp_path, written, label_delay="3d")
    assert reading.label_refused is None
    assert reading.labelled_at == known
    expected = known or datetime(2026, 1, 8, 10, tzinfo=UTC)
    assert reader.label_moment_of(row) == expected, "and the survey of the file sees the same"


@pytest.mark.parametrize("written", ["yesterday", "2026-13-01", "12345"])
def test_a_time_that_cannot_be_read_refuses_the_label_not_the_transaction(tmp_path: Path, written: str) -> None:
    """What happened happened; only when its truth was known is not to be had. The column and the problem are told."""
    reading, reader, _ = read(tmp_path, written)
    assert reading.objection is None
    assert not reading.labelled
    assert reading.label_refused is not None
    assert reading.label_refused.field == "labelled_at"
    assert reader.account.refused_labels.total == 1


def test_a_truth_before_its_transaction_is_refused(tmp_path: Path) -> None:
    """A clock is wrong, or the column is another one."""
    reading, _, _ = read(tmp_path, "2026-01-04")
    assert reading.label_refused is not None
    assert reading.label_refused.problem == EARLY


def test_a_row_without_a_truth_has_no_use_for_its_time(tmp_path: Path) -> None:
    """Whatever stands there."""
    reading, _, _ = read(tmp_path, "never", pair="")
    assert reading.label_refused is None


@pytest.mark.parametrize(
    ("written", "length"),
    [("3d", timedelta(days=3)), ("12h", timedelta(hours=12)), ("30m", timedelta(minutes=30)), ("0d", timedelta(0))],
)
def test_a_mapping_says_the_usual_delay(tmp_path: Path, written: str, length: timedelta) -> None:
    """In days, hours or minutes."""
    file = tmp_path / "mapping.yaml"
    file.write_text(f"label_delay: {written}\n")
    assert load_mapping(file).label_delay == length


@pytest.mark.parametrize("written", ["3", "-3d", "three days", "9999d", "[3d]"])
def test_a_delay_that_is_none_says_what_would_be(tmp_path: Path, written: str) -> None:
    """With the name of the setting."""
    file = tmp_path / "mapping.yaml"
    file.write_text(f"label_delay: {written}\n")
    with pytest.raises(TableError, match="label_delay: must be"):
        load_mapping(file)
