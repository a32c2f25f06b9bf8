"""Days of windows are the tenant's: no hour is counted twice or lost, over changes of clocks and of calendars."""

import random
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Cell
from proofwatch.governance.calendar import Calendar, calendar_of
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.closing import Rules, close, restate
from services.aggregator.core.lateness import too_late
from services.aggregator.core.merge import Bucket, BucketKey, deltas, merge, widened
from services.aggregator.core.publishing import window_event
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS, MINUTE_MS
from services.aggregator.handlers.found_record import found_record
from tests.unit.detection.anomalies import anomaly

pytestmark = pytest.mark.usefixtures("lengths_in_force")


def at(*instant: int) -> int:
    return ms_of(datetime(*instant, tzinfo=UTC))  # type: ignore[arg-type, misc]


def cell(start_ms: int, n: int = 1) -> Cell:
    return Cell(
        tenant="bank", segment_name=None, segment_value=None, policy_hash="a" * 32, start=start_ms,
        counts={"transactions": n}, sums={}, sketches={},
    )  # fmt: skip


DAYS = {
    "Berlin, spring": (TenantDays([(0, Calendar("Europe/Berlin"))]), at(2026, 3, 27)),
    "Berlin, autumn": (TenantDays([(0, Calendar("Europe/Berlin"))]), at(2026, 10, 23)),
    "Santiago, spring": (TenantDays([(0, Calendar("America/Santiago"))]), at(2026, 9, 4)),
    "Santiago, autumn": (TenantDays([(0, Calendar("America/Santiago"))]), at(2026, 4, 3)),
    "Cairo": (TenantDays([(0, Calendar("Africa/Cairo"))]), at(2026, 4, 22)),
    "Kathmandu": (TenantDays([(0, Calendar("Asia/Kathmandu"))]), at(2026, 1, 1)),
    "Apia": (TenantDays([(0, Calendar("Pacific/Apia"))]), at(2011, 12, 28)),
    "UTC to New York": (TenantDays([(at(2026, 1, 3, 9), Calendar("America/New_York"))]), at(2026, 1, 1)),
    "Berlin to Tokyo": (
        TenantDays([(0, Calendar("Europe/Berlin")), (at(2026, 3, 28, 12), Calendar("Asia/Tokyo"))]),
        at(2026, 3, 26),
    ),
}


@pytest.mark.parametrize("name", DAYS)
def test_no_hour_is_counted_twice_or_lost(name: str) -> None:
    """Each minute of six days is in the one day that holds it; days join, and say so when they are published."""
    days, from_ms = DAYS[name]
    starts = list(range(from_ms, from_ms + 6 * DAY_MS, MINUTE_MS))
    random.Random(1).shuffle(starts)
    buckets: dict[BucketKey, Bucket] = {}
    for begin in range(0, len(starts), 700):
        some = deltas([cell(each, each // MINUTE_MS % 7 + 1) for each in starts[begin : begin + 700]])
        for bucket, _ in merge(buckets, widened(some, lambda _: days)):
            buckets[bucket.key] = bucket
    rules = Rules(grace_ms=0, horizon_ms=DAY_MS, small_cell=1, days_of=lambda _: days)
    revised = [each for each in close(buckets.values(), from_ms + 9 * DAY_MS, rules) if each.key.length_s == DAY_S]
    events = [window_event(each, lambda _: days) for each in revised]
    spans = [(ms_of(each.start), ms_of(each.end)) for each in events]
    assert spans == sorted(spans)
    assert all(end_ms == next_ms for (_, end_ms), (next_ms, _) in pairwise(spans))
    for event, (start_ms, end_ms) in zip(events, spans, strict=True):
        minutes = range(max(start_ms, from_ms), min(end_ms, from_ms + 6 * DAY_MS), MINUTE_MS)
        assert event.counts["transactions"] == sum(each // MINUTE_MS % 7 + 1 for each in minutes)
        assert event.length_s == DAY_S
    assert sum(each.counts["transactions"] for each in events) == sum(each // MINUTE_MS % 7 + 1 for each in starts)
    assert len({each.window_id for each in events}) == len(events)


@pytest.mark.parametrize(("month", "hours"), [(3, 23), (10, 25)])
def test_a_day_closes_and_is_restated_at_its_own_end(month: int, hours: int) -> None:
    """Of 23 and of 25 hours: not a moment before it, and late data is late by it."""
    days, sunday = TenantDays([(0, Calendar("Europe/Berlin"))]), {3: at(2026, 3, 28, 23), 10: at(2026, 10, 24, 22)}
    start_ms, end_ms = sunday[month], sunday[month] + hours * HOUR_MS
    rules = Rules(grace_ms=30_000, horizon_ms=DAY_MS, small_cell=1, days_of=lambda _: days)
    buckets: dict[BucketKey, Bucket] = {}
    for bucket, _ in merge(buckets, widened(deltas([cell(end_ms - MINUTE_MS)]), rules.days_of)):
        buckets[bucket.key] = bucket
    key = BucketKey("bank", DAY_S, start_ms)
    assert key in buckets
    list(close(buckets.values(), end_ms + 29_999, rules))
    assert not buckets[key].closed
    ((closed),) = [each for each in close(buckets.values(), end_ms + 30_000, rules) if each.key == key]
    assert closed.due_ms == end_ms + 30_000
    more = list(merge(buckets, widened(deltas([cell(start_ms)]), rules.days_of)))
    assert key in {each.key for each in restate(more, rules)}
    late = [(cell(start_ms), end_ms + DAY_MS)]
    assert key not in too_late(late, DAY_MS, rules.days_of)
    assert key in too_late([(cell(start_ms), end_ms + DAY_MS + 1)], DAY_MS, rules.days_of)


def test_what_is_found_says_in_which_zone_its_words_are_to_be() -> None:
    """That of the tenant's calendar then; of UTC nothing is said. The fields stay in UTC."""
    found, known = anomaly(), {"bank": TenantDays([(0, calendar_of("Europe/Berlin"))]), "telco": TenantDays()}
    for tenant, zone in (("bank", "Europe/Berlin"), ("telco", None)):
        mine = replace(found, tenant=tenant)
        record = found_record(ANOMALY.encode, mine, known.__getitem__, 7)
        assert ANOMALY.decode(record.value) == replace(mine, time_zone=zone)
        assert (record.topic, record.key, record.timestamp_ms) == ("metrics.anomalies.v1", tenant.encode(), 7)
