"""Buckets: all windows of one tenant, length and start, and how cells are merged into them.

Counters and sums are integers and a policy's sketches share their edges, so merging is exact, commutative and
associative: however the verdicts were cut into batches, the same counts come out.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import Struct

from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.events import types
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_S, MICROSECONDS, SECOND_MS

LENGTHS_S: Final = (60, 300, DAY_S)
"""Real time, twice, and the day in UTC."""


class BucketKey(NamedTuple):
    """Tenant, length in seconds, and start in milliseconds since the Unix epoch."""

    tenant: str
    length_s: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        """Return the end, exclusive, in milliseconds since the Unix epoch."""
        return self.start_ms + self.length_s * SECOND_MS


class Histogram(Struct, array_like=True):
    """A sketch as it is stored: counts by bin label on a base grid and further edges."""

    grid: str
    thresholds: tuple[float, ...]
    bins: dict[str, int]


class PolicyCounts(Struct, array_like=True):
    """Counters, sums in microseconds and sketches of the transactions that one policy decided."""

    counts: dict[str, int]
    sums: dict[str, int]
    sketches: dict[str, Histogram]


class SegmentWindow(Struct, array_like=True):
    """One window: a segment value in a bucket, by policy. Revision 0: not published yet."""

    name: str | None
    value: str | None
    revision: int
    policies: dict[str, PolicyCounts]


class Bucket(Struct):
    """All windows of a key. `closed`: the time for it has come; what arrives now restates."""

    key: BucketKey
    closed: bool
    segments: dict[Segment, SegmentWindow]


def bucket_keys(tenant: str, minute_ms: int) -> Iterator[BucketKey]:
    """Yield the bucket of every length that a tenant's minute belongs to."""
    for length_s in LENGTHS_S:
        yield BucketKey(tenant, length_s, minute_ms - minute_ms % (length_s * SECOND_MS))


def merge_cell(bucket: Bucket, cell: types.Cell) -> SegmentWindow:
    """Add a cell to its window in the bucket, and return that window."""
    segment = (cell.segment_name, cell.segment_value)
    window = bucket.segments.get(segment)
    if window is None:
        window = bucket.segments[segment] = SegmentWindow(*segment, 0, {})
    into = window.policies.get(cell.policy_hash)
    if into is None:
        into = window.policies[cell.policy_hash] = PolicyCounts({}, {}, {})
    _add(into.counts, cell.counts)
    for name, milliseconds in cell.sums.items():
        into.sums[name] = into.sums.get(name, 0) + round(milliseconds * MICROSECONDS)
    for name, sketch in cell.sketches.items():
        known = into.sketches.get(name)
        if known is None:
            into.sketches[name] = Histogram(sketch.grid, sketch.thresholds, dict(sketch.bins))
        elif known.thresholds == sketch.thresholds and known.grid == sketch.grid:
            _add(known.bins, sketch.bins)
        else:
            into.sketches[name] = _on_common_edges([known, sketch])
    return window


def totals(window: SegmentWindow) -> PolicyCounts:
    """Return the sum over policies; sketches of different policies on the edges that they have in common.

    The result shares its parts with a window of a single policy: read it only.
    """
    parts = list(window.policies.values())
    if len(parts) == 1:
        return parts[0]
    counts: dict[str, int] = {}
    sums: dict[str, int] = {}
    by_name: dict[str, list[Histogram | types.Sketch]] = {}
    for part in parts:
        _add(counts, part.counts)
        _add(sums, part.sums)
        for name, sketch in part.sketches.items():
            by_name.setdefault(name, []).append(sketch)
    return PolicyCounts(counts, sums, {name: _on_common_edges(each) for name, each in by_name.items()})


def _add(into: dict[str, int], counts: dict[str, int]) -> None:
    for name, n in counts.items():
        into[name] = into.get(name, 0) + n


def _on_common_edges(sketches: list[Histogram | types.Sketch]) -> Histogram:
    return Histogram(*merged(Sketch.from_wire(s.grid, s.thresholds, s.bins) for s in sketches).to_wire())
