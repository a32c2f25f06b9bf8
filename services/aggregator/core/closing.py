"""When a window closes, and what a closing or a restatement publishes."""

from collections.abc import Container, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.merge import Bucket, BucketKey, Counters, SegmentWindow
from services.aggregator.core.retention import Keep
from services.aggregator.core.times import DAY_S, SECOND_MS

_NOTHING: Final[Mapping[BucketKey, Counters]] = MappingProxyType({})


class Rules(NamedTuple):
    """Grace and alert horizon in milliseconds; the fewest transactions of a segment's window below a day; whose days
    are which; retention.
    """

    grace_ms: int
    horizon_ms: int
    small_cell: int
    days_of: DaysOf
    keep: Keep = MappingProxyType({})


class WindowRevision(NamedTuple):
    """A window whose revision was just raised. `backfill`: what it adds came too late to act upon (`core.lateness`).

    A `small` one was not: it is not to be published, nor to cause anything, but it may end an anomaly that is firing,
    lest one that fired on a busy hour should last all night. `due_ms`: when a closing was due; None: a restatement, or
    backfill. `added`: what a restatement adds to its counters, where charts are to count it.
    """

    key: BucketKey
    window: SegmentWindow
    backfill: bool
    small: bool = False
    due_ms: int | None = None
    added: Mapping[str, int] | None = None


def is_due(key: BucketKey, progress_ms: int | None, rules: Rules) -> bool:
    """Return whether every source has passed the window's end plus the grace."""
    if progress_ms is None:
        return False
    until_ms = progress_ms - rules.grace_ms  # most buckets are asked about in every step and are not due: see to it
    if key.length_s < DAY_S:
        return key.start_ms + key.length_s * SECOND_MS <= until_ms
    return key.start_ms < until_ms and key.end_by(rules.days_of) <= until_ms


def close(buckets: Iterable[Bucket], progress_ms: int | None, rules: Rules) -> Iterator[WindowRevision]:
    """Close the buckets that are due, in the order of their ends, and yield their windows at revision 1."""
    due = [bucket for bucket in buckets if not bucket.closed and is_due(bucket.key, progress_ms, rules)]
    for bucket in sorted(due, key=lambda each: _order(each, rules)):
        bucket.closed = True
        due_ms = None if bucket.late else bucket.key.end_by(rules.days_of) + rules.grace_ms
        yield from _publish(bucket.key, bucket.segments.values(), bucket.late, rules, due_ms)


def restate(
    touched: Iterable[tuple[Bucket, list[SegmentWindow]]],
    rules: Rules,
    backfill: Container[BucketKey] = (),
    added: Mapping[BucketKey, Counters] = _NOTHING,
) -> Iterator[WindowRevision]:
    """Yield the windows of closed buckets that late data has changed, each one revision on.

    `backfill`: the buckets for which all of it came too late to act upon. `added`: what came in time to be judged, of
    buckets whose windows charts count.
    """
    late = [(bucket, windows) for bucket, windows in touched if bucket.closed]
    for bucket, windows in sorted(late, key=lambda each: _order(each[0], rules)):
        more = None if bucket.key in backfill else added.get(bucket.key)
        for each in _publish(bucket.key, windows, bucket.key in backfill, rules):
            yield each if more is None else each._replace(added=more[each.window.name, each.window.value])


def _publish(
    key: BucketKey, windows: Iterable[SegmentWindow], backfill: bool, rules: Rules, due_ms: int | None = None
) -> Iterator[WindowRevision]:
    for window in sorted(windows, key=lambda each: (each.name or "", each.value or "")):
        small = key.length_s < DAY_S and window.name is not None and _transactions(window) < rules.small_cell
        window.revision += not small
        yield WindowRevision(key, window, backfill, small, due_ms)


def _transactions(window: SegmentWindow) -> int:
    return sum(part.counts["transactions"] for part in window.policies.values())


def _order(bucket: Bucket, rules: Rules) -> tuple[int, int, str]:
    return bucket.key.end_by(rules.days_of), bucket.key.length_s, bucket.key.tenant
