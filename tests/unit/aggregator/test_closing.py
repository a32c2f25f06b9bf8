"""Closing, restating, backfill and small cells."""

import pytest

from services.aggregator.core.calendars import utc_days
from services.aggregator.core.closing import Rules, close, restate
from services.aggregator.core.merge import Bucket, BucketKey, PolicyCounts, SegmentWindow

pytestmark = pytest.mark.usefixtures("lengths_in_force")

RULES = Rules(grace_ms=1_000, horizon_ms=100_000, small_cell=10, days_of=utc_days)


def bucket(start_ms: int = 0, length_s: int = 60, whole: int = 20, segment: int = 0) -> Bucket:
    segments = {}
    for name, value, n in ((None, None, whole), ("os", "ios", segment)):
        if n == 0:
            continue
        segments[name, value] = SegmentWindow(name, value, 0, {"p": PolicyCounts({"transactions": n}, {}, {})})
    return Bucket(BucketKey("bank", length_s, start_ms), False, segments)


def test_a_bucket_closes_when_progress_has_passed_its_end_and_the_grace() -> None:
    """Not a millisecond earlier, and only once."""
    one = bucket()
    assert list(close([one], 60_999, RULES)) == []
    assert [(each.window.revision, each.backfill) for each in close([one], 61_000, RULES)] == [(1, False)]
    assert one.closed
    assert list(close([one], 62_000, RULES)) == []


def test_nothing_closes_while_the_time_is_unknown() -> None:
    """Before every source has reported, no window is complete."""
    assert list(close([bucket()], None, RULES)) == []


def test_late_data_restates_with_the_next_revision() -> None:
    """Once a batch and window; what is still open waits for its closing."""
    one, later = bucket(), bucket(start_ms=60_000)
    list(close([one, later], 61_000, RULES))
    touched = [(one, [one.segments[None, None]]), (later, [later.segments[None, None]])]
    assert [(each.key.start_ms, each.window.revision) for each in restate(touched, RULES)] == [(0, 2)]


def test_however_far_time_jumps_what_closes_is_not_backfill() -> None:
    """Its records came in time; that the batch also held ten days more says nothing about them."""
    assert [each.backfill for each in close([bucket()], 10**12, RULES)] == [False]


def test_what_came_too_late_is_backfill_whether_it_closes_or_restates() -> None:
    """Stored and published, never acted upon."""
    one, late = bucket(), bucket(start_ms=60_000)
    late.late = True
    assert [each.backfill for each in close([one, late], 200_000, RULES)] == [False, True]
    touched = [(one, [one.segments[None, None]])]
    assert [each.backfill for each in restate(touched, RULES, {one.key})] == [True]
    assert [each.backfill for each in restate(touched, RULES)] == [False]


def test_small_cells_stay_unpublished_until_they_grow_or_the_day_ends() -> None:
    """A segment's minute with few people is kept back; a day shows everything."""
    minute, day = bucket(segment=3), bucket(segment=3, length_s=86_400)
    assert [(each.window.name, each.small) for each in close([minute], 100_000, RULES)] == [(None, False), ("os", True)]
    assert minute.segments["os", "ios"].revision == 0
    assert [(each.window.name, each.small) for each in close([day], 90_000_000, RULES)] == [
        (None, False),
        ("os", False),
    ]
    grown = minute.segments["os", "ios"]
    grown.policies["q"] = PolicyCounts({"transactions": 7}, {}, {})
    assert [each.window.revision for each in restate([(minute, [grown])], RULES)] == [1]


def test_windows_close_in_the_order_of_their_ends() -> None:
    """So that each is judged by what was before it."""
    buckets = [bucket(start_ms=60_000), bucket(), bucket(length_s=300)]
    ends = [each.key.end_ms for each in close(buckets, 400_000, RULES)]
    assert ends == sorted(ends)
