"""Buckets: all windows of one tenant, length and start, and how cells are merged into them.

Counters and sums are integers and a policy's sketches share their edges, so merging is exact, commutative and
associative: however the verdicts were cut into batches, the same counts come out. A step's cells are first merged
among themselves, minutes into five minutes into days, so that the many small ones meet the stored buckets but once.
"""

from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from msgspec import Struct

from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.events import types
from services.aggregator.core import lengths
from services.aggregator.core.calendars import DaysOf, start_ms
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_S, MICROSECONDS, MINUTE_S, SECOND_MS


class BucketKey(NamedTuple):
    """Tenant, length in seconds, and start in milliseconds since the Unix epoch."""

    tenant: str
    length_s: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        """Return the end, exclusive, in milliseconds since the Unix epoch, of a bucket shorter than a day."""
        return self.start_ms + self.length_s * SECOND_MS

    def end_by(self, days_of: DaysOf) -> int:
        """Return the end of any bucket likewise; a day's is the midnight of its tenant."""
        return self.end_ms if self.length_s < DAY_S else days_of(self.tenant).day(self.start_ms).end_ms


class Histogram(Struct, array_like=True, gc=False):
    """A sketch as it is stored: counts by bin label on a base grid and further edges."""

    grid: str
    thresholds: tuple[float, ...]
    bins: dict[str, int]


class PolicyCounts(Struct, array_like=True, gc=False):
    """Counters, sums in microseconds and sketches of the transactions that one policy decided."""

    counts: dict[str, int]
    sums: dict[str, int]
    sketches: dict[str, Histogram]


class SegmentWindow(Struct, array_like=True, gc=False):
    """One window: a segment value in a bucket, by policy. Revision 0: not published yet."""

    name: str | None
    value: str | None
    revision: int
    policies: dict[str, PolicyCounts]


class Bucket(Struct):
    """All windows of a key. `closed`: the time for it has come; what arrives now restates.

    `late`: everything in it came later than the alert horizon after its end, so there is nothing left to act upon.
    """

    key: BucketKey
    closed: bool
    segments: dict[Segment, SegmentWindow]
    late: bool = False


Deltas = dict[BucketKey, dict[Segment, dict[str, PolicyCounts]]]
"""What a step adds to each bucket, by segment value and policy."""
Counters = dict[Segment, dict[str, int]]
"""Counters of a bucket, by segment value."""


def deltas(cells: Iterable[types.Cell]) -> Deltas:
    """Return what the cells add to the buckets of a minute.

    The cells' dictionaries become part of it: cells must not share them, as decoded ones never do.
    """
    minutes: Deltas = {}
    for cell in cells:
        segments = minutes.setdefault(BucketKey(cell.tenant, MINUTE_S, cell.start), {})
        policies = segments.setdefault((cell.segment_name, cell.segment_value), {})
        _take(policies, cell.policy_hash, _from_wire(cell), _as_it_is)
    return minutes


def widened(minutes: Deltas, days_of: DaysOf) -> Deltas:
    """Return what additions to minutes add to the buckets of every length, the minutes included.

    Days are summed from five minutes, the grid that the midnights of all time zones lie on.
    """
    everything, level = dict(minutes), minutes
    levels: dict[int, Deltas] = {}
    for length_s in lengths.LENGTHS_S[1:]:
        longer: Deltas = {}
        for key, segments in (levels[lengths.FIVE_MINUTES_S] if length_s == DAY_S else level).items():
            began_ms = start_ms(days_of(key.tenant), length_s, key.start_ms)
            into = longer.setdefault(BucketKey(key.tenant, length_s, began_ms), {})
            for segment, policies in segments.items():
                mine = into.setdefault(segment, {})
                for policy, counts in policies.items():
                    _take(mine, policy, counts, _copy)
        everything.update(longer)
        level = levels[length_s] = longer
    return everything


def counters(added: dict[Segment, dict[str, PolicyCounts]]) -> Counters:
    """Return the counters, over policies, of what is to be added to a bucket, which may take it over."""
    found: Counters = {}
    for segment, policies in added.items():
        mine = found[segment] = {}
        for counts in policies.values():
            _add(mine, counts.counts)
    return found


def apply(bucket: Bucket, added: dict[Segment, dict[str, PolicyCounts]]) -> list[SegmentWindow]:
    """Merge into a bucket, which takes over what it does not have yet; return the windows that changed."""
    changed = []
    for segment, policies in added.items():
        window = bucket.segments.get(segment)
        if window is None:
            window = bucket.segments[segment] = SegmentWindow(*segment, 0, {})
        for policy, counts in policies.items():
            _take(window.policies, policy, counts, _as_it_is)
        changed.append(window)
    return changed


def merge(
    buckets: dict[BucketKey, Bucket], added: Deltas, late: Container[BucketKey] = ()
) -> Iterator[tuple[Bucket, list[SegmentWindow]]]:
    """Merge additions into their buckets, making those that are missing; yield each with the windows that changed.

    `late`: the buckets all of whose additions came too late to act upon.
    """
    for key, segments in added.items():
        bucket = buckets.get(key)
        if bucket is None:
            bucket = buckets[key] = Bucket(key, False, {}, key in late)
        bucket.late = bucket.late and key in late
        yield bucket, apply(bucket, segments)


def totals(window: SegmentWindow) -> PolicyCounts:
    """Return the sum over policies; sketches of different policies on the edges that they have in common.

    The result shares its parts with a window of a single policy: read it only.
    """
    parts = list(window.policies.values())
    if len(parts) == 1:
        return parts[0]
    counts: dict[str, int] = {}
    sums: dict[str, int] = {}
    by_name: dict[str, list[Histogram]] = {}
    for part in parts:
        _add(counts, part.counts)
        _add(sums, part.sums)
        for name, sketch in part.sketches.items():
            by_name.setdefault(name, []).append(sketch)
    return PolicyCounts(counts, sums, {name: _on_common_edges(each) for name, each in by_name.items()})


def _take(
    policies: dict[str, PolicyCounts],
    policy: str,
    more: PolicyCounts,
    first: Callable[[PolicyCounts], PolicyCounts],
) -> None:
    """Add the counts of one policy; `first` says how they become the first ones."""
    known = policies.get(policy)
    if known is None:
        policies[policy] = first(more)
        return
    _add(known.counts, more.counts)
    _add(known.sums, more.sums)
    for name, sketch in more.sketches.items():
        mine = known.sketches.get(name)
        if mine is None:
            known.sketches[name] = Histogram(sketch.grid, sketch.thresholds, sketch.bins.copy())
        elif mine.thresholds == sketch.thresholds and mine.grid == sketch.grid:
            _add(mine.bins, sketch.bins)
        else:
            known.sketches[name] = _on_common_edges([mine, sketch])


def _as_it_is(counts: PolicyCounts) -> PolicyCounts:
    return counts


def _copy(counts: PolicyCounts) -> PolicyCounts:
    sketches = {name: Histogram(s.grid, s.thresholds, s.bins.copy()) for name, s in counts.sketches.items()}
    return PolicyCounts(counts.counts.copy(), counts.sums.copy(), sketches)


def _from_wire(cell: types.Cell) -> PolicyCounts:
    sums = {name: round(milliseconds * MICROSECONDS) for name, milliseconds in cell.sums.items()}
    sketches = {name: Histogram(s.grid, s.thresholds, s.bins) for name, s in cell.sketches.items()}
    return PolicyCounts(cell.counts, sums, sketches)


def _add(into: dict[str, int], counts: dict[str, int]) -> None:
    get = into.get
    for name, n in counts.items():
        into[name] = get(name, 0) + n


def _on_common_edges(sketches: list[Histogram]) -> Histogram:
    return Histogram(*merged(Sketch.from_wire(s.grid, s.thresholds, s.bins) for s in sketches).to_wire())
