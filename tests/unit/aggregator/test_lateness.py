"""What came too late to act upon."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.events.types import Cell
from proofwatch.instants import ms_of
from services.aggregator.core import lengths
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.fold import Fold
from services.aggregator.core.lateness import Arrivals, too_late
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS, MINUTE_MS
from tests.integration.aggregator.traffic import START, verdict

pytestmark = pytest.mark.usefixtures("lengths_in_force")

AT = ms_of(START)
HORIZON = 48 * HOUR_MS
DAY = AT - AT % DAY_MS


def cells(*seen_ms: int, minutes: int = 0) -> list[Cell]:
    fold = Fold(())
    for number, each in enumerate(seen_ms):
        fold.add(verdict(number, START + timedelta(minutes=minutes)), each)
    return list(fold.cells())


def arrived(found: list[Cell], before_ms: int | None = None) -> Arrivals:
    arrivals = Arrivals([], [])
    arrivals.add(found, before_ms, HORIZON)
    return arrivals


def test_records_that_came_late_are_counted_apart() -> None:
    """By the whole minute that their partition had come to; what came within the hour is all one."""
    found = cells(AT, AT + HOUR_MS, AT + 3 * HOUR_MS, AT + 3 * HOUR_MS + 59_999, AT + 4 * HOUR_MS)
    assert [(each.seen_at, each.counts["transactions"]) for each in found] == [
        (None, 2),
        (AT + 3 * HOUR_MS, 2),
        (AT + 4 * HOUR_MS, 1),
    ]


def test_a_cell_is_late_when_its_partition_was_past_its_minute_by_more_than_the_horizon() -> None:
    """To the minute: the cell says so itself, or what was merged before it."""
    limit = AT + MINUTE_MS + HORIZON
    for found, before in ((cells(limit), None), (cells(AT), limit)):
        assert arrived(found, before).late == []
    for found, before in ((cells(limit + MINUTE_MS), None), (cells(AT), limit + 1)):
        assert arrived(found, before).in_time == []


def test_a_day_may_be_in_time_where_its_minutes_are_not() -> None:
    """Each length is judged by its own end."""
    seen_ms = AT + MINUTE_MS + HORIZON + HOUR_MS
    late = arrived(cells(seen_ms)).late
    assert too_late(late, HORIZON, utc_days) == {
        BucketKey("bank", each, AT) for each in lengths.LENGTHS_S if each < DAY_S
    }
    late = arrived(cells(DAY + DAY_MS + HORIZON + MINUTE_MS)).late
    assert BucketKey("bank", DAY_S, DAY) in too_late(late, HORIZON, utc_days)


def test_a_bucket_is_in_time_as_soon_as_one_of_its_cells_is() -> None:
    """Then there is something to act upon."""
    late = arrived(cells(AT + HORIZON + 5 * MINUTE_MS, minutes=0) + cells(AT + HORIZON + 2 * HOUR_MS, minutes=1)).late
    assert {key.length_s for key in too_late(late, HORIZON, utc_days)} == {60}


@given(st.lists(st.integers(-100, 0), min_size=1, max_size=30), st.data())
def test_whether_a_record_is_late_does_not_depend_on_its_batch(hours: list[int], data: st.DataObject) -> None:
    """However the records are cut into batches, as many are late."""
    stamps = [AT + (hours_ * HOUR_MS if number % 2 else number * HOUR_MS) for number, hours_ in enumerate(hours)]
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(stamps)), max_size=4))), len(stamps)]

    def counted(cuts: list[int]) -> tuple[int, int]:
        arrivals, before = Arrivals([], []), None
        for begin, end in pairwise(cuts):
            fold, seen_ms = Fold(()), 0
            for number, stamp in enumerate(stamps[begin:end]):
                seen_ms = max(seen_ms, stamp)
                fold.add(verdict(number, START - timedelta(hours=60)), seen_ms)
            arrivals.add(fold.cells(), before, HORIZON)
            before = max(before or 0, seen_ms) or None
        return (
            sum(cell.counts["transactions"] for cell in arrivals.in_time),
            sum(cell.counts["transactions"] for cell, _ in arrivals.late),
        )

    assert counted(cuts) == counted([0, len(stamps)])
