"""Times that name no zone: by the file's zone, else the tenant's; where clocks change, what is meant is counted."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from proofwatch.scorefile.columns import Columns
from proofwatch.scorefile.mapping import Mapping, load_mapping
from proofwatch.scorefile.reader import Reader
from proofwatch.scorefile.times import Times, Unreadable
from proofwatch.tabular import Row

BERLIN = ZoneInfo("Europe/Berlin")


def test_of_an_hour_that_came_twice_the_first_is_taken_and_counted() -> None:
    """25 October 2026, half past two: in summer time. What comes after is read as it is."""
    times = Times(zone=BERLIN)
    assert times.read("2026-10-25 02:30:00") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert times.read("2026-10-25 03:00:00") == datetime(2026, 10, 25, 2, tzinfo=UTC)
    assert (times.without_zone, times.twice, times.never) == (2, 1, 0)


def test_an_hour_that_the_clocks_skipped_counts_as_the_next_and_is_counted() -> None:
    """29 March 2026, half past two is half past three."""
    times = Times(zone=BERLIN)
    assert times.read("2026-03-29 02:30:00") == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert (times.twice, times.never) == (0, 1)


def test_lengths_are_lengths_of_time() -> None:
    """Two times of one zone an hour of the clock apart, over the change of clocks: two hours."""
    times = Times(zone=BERLIN)
    assert times.read("2026-10-25 03:30") - times.read("2026-10-25 02:30") == timedelta(hours=2)


def test_a_time_that_names_its_zone_keeps_it() -> None:
    """Nothing is counted of it."""
    times = Times(zone=BERLIN)
    assert times.read("2026-10-25T02:30:00+01:00").isoformat() == "2026-10-25T02:30:00+01:00"
    assert (times.without_zone, times.twice) == (0, 0)


def test_a_time_at_the_end_of_the_calendar_is_refused_as_such() -> None:
    """No zone moves it out of what can be named."""
    with pytest.raises(Unreadable, match="1970 to 9997"):
        Times(zone=ZoneInfo("America/New_York")).read("9999-12-31 23:00")
    with pytest.raises(Unreadable, match="1970 to 9997"):
        Times(zone=ZoneInfo("Asia/Kolkata")).read("0001-01-01 00:00")


def test_the_mapping_s_zone_goes_before_the_tenant_s(tmp_path: Path) -> None:
    """A file may be of another clock than the people in it; UTC too must be said to hold."""
    said = tmp_path / "mapping.yaml"
    for content, zone in (("time_zone: UTC\n", "UTC"), ("decimal: ','\n", "Asia/Kolkata")):
        said.write_text(content)
        assert load_mapping(said, "Asia/Kolkata").time_zone == zone
    assert load_mapping(None, "Asia/Kolkata").time_zone == "Asia/Kolkata"
    assert load_mapping(None).time_zone == "UTC"


def test_how_times_were_read_is_said() -> None:
    """The zone, and how many were told twice or never."""
    reader = Reader(Columns.of(["occurred_at"], {}, {}), Mapping(time_zone="Europe/Berlin"), {})
    for line, text in enumerate(("2026-10-25 02:30", "2026-03-29 02:30", "2026-05-01 08:00"), 2):
        reader.read(Row("scores.csv", line, {"occurred_at": text}))
    assert reader.notes() == [
        "occurred_at: 3 times name no zone and are read in Europe/Berlin",
        "occurred_at: 1 times lie in an hour that the clocks showed twice: the first is taken",
        "occurred_at: 1 times lie in an hour that the clocks skipped, and count as the next",
    ]
