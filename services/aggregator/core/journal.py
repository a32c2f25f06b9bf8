"""What a step added to the open buckets, and how it is added once more.

A bucket grows by a little with every tally, and is large. So a step writes down what it adds to minutes, and buckets
are written whole when they close, when late data restates them, and now and then, so that the journal stays short.
Then all open ones are, and the journal is emptied in the same transaction: to an open bucket the whole journal is to be
added, to a closed one nothing.
"""

from collections.abc import Container, Iterable, Mapping
from typing import Final

from msgspec import Struct

from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.merge import Bucket, BucketKey, Deltas, SegmentWindow, merge, widened

CHECKPOINT_BYTES: Final = 512 * 1024
CHECKPOINT_STEPS: Final = 1_000


class Added(Struct, array_like=True):
    """What was merged at once: windows by bucket of a minute, and the buckets of any length that it came late for."""

    minutes: list[tuple[BucketKey, list[SegmentWindow]]]
    late: list[BucketKey]
    past: list[BucketKey] = []  # not added to, because they are kept no longer


def added(minutes: Deltas, days_of: DaysOf, late: Container[BucketKey] = (), past: Iterable[BucketKey] = ()) -> Added:
    """Return what the journal keeps of additions; it shares their parts, so encode it before they are merged."""
    windows = [
        (key, [SegmentWindow(*segment, 0, policies) for segment, policies in segments.items()])
        for key, segments in minutes.items()
    ]
    return Added(windows, [key for key in widened_keys(minutes, days_of) if key in late], list(past))


def widened_keys(minutes: Deltas, days_of: DaysOf) -> Iterable[BucketKey]:
    """Return the keys of the buckets of every length that additions to minutes touch."""
    return widened({key: {} for key in minutes}, days_of)


def minutes_of(entry: Added) -> Deltas:
    """Return the additions that an entry keeps."""
    return {key: {(each.name, each.value): each.policies for each in windows} for key, windows in entry.minutes}


def replayed(
    written: Mapping[BucketKey, Bucket], journal: Iterable[Added], days_of: DaysOf
) -> tuple[dict[BucketKey, Bucket], set[BucketKey]]:
    """Return the open buckets as they were after the last step, and the keys of those that the journal changed.

    `written`: every written bucket that is open, or that the journal touches; `journal`: entries in order.
    """
    closed = {key for key, bucket in written.items() if bucket.closed}
    buckets = {key: bucket for key, bucket in written.items() if not bucket.closed}
    changed: set[BucketKey] = set()
    for entry in journal:
        without = closed.union(entry.past)
        additions = {key: each for key, each in widened(minutes_of(entry), days_of).items() if key not in without}
        changed.update(bucket.key for bucket, _ in merge(buckets, additions, frozenset(entry.late)))
    return buckets, changed
