"""Windows put together over a span of time: which ones cover it, and what they add up to. Exact, for all are counts.

A span is covered by the longest windows that lie in it whole, shorter ones at its edges and where the day is not closed
yet; so a month is read as thirty days, not as 8,640 windows of five minutes, and the sums are the same.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.sketch_sum import SketchSum
from proofwatch.biometrics.trials import ClassCounts
from services.aggregator.core.merge import PolicyCounts
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.times import SECOND_MS


class Span(NamedTuple):
    """since_ms <= time < until_ms, in milliseconds since the Unix epoch; None: no bound."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, start_ms: int, end_ms: int) -> bool:
        """Return whether start..end lies in it whole."""
        after = self.since_ms is None or start_ms >= self.since_ms
        return after and (self.until_ms is None or end_ms <= self.until_ms)


class Stretch(NamedTuple):
    """The length in seconds and the start, in ms since the Unix epoch, of the windows of a tenant's bucket.

    `own_end_ms`: the end of a day of the tenant that has not the 24 hours of its length; None: it has.
    """

    length_s: int
    start_ms: int
    own_end_ms: int | None = None

    @property
    def end_ms(self) -> int:
        """Return the end, exclusive."""
        return self.start_ms + self.length_s * SECOND_MS if self.own_end_ms is None else self.own_end_ms

    @classmethod
    def between(cls, length_s: int, start_ms: int, end_ms: int) -> "Stretch":
        """Return the stretch that ends there."""
        return cls(length_s, start_ms, None if end_ms == start_ms + length_s * SECOND_MS else end_ms)


class CountedWindow(NamedTuple):
    """A window of verdicts: its counts by policy, or one for all of them. `policies`: the hashes that are in it."""

    at: Stretch
    segment: Segment
    revision: int
    backfill: bool
    parts: Sequence[PolicyCounts]
    policies: Sequence[str]


class LabelledWindow(NamedTuple):
    """A labelled day of the tenant: outcomes by class, and the transactions that asked for (match, liveness)."""

    at: Stretch
    segment: Segment
    revision: int
    backfill: bool
    classes: Mapping[str, ClassCounts]
    requested: tuple[int, int]
    policies: Sequence[str]


@dataclass(slots=True)
class Counted:
    """What verdicts add up to: counters, sums of timings in microseconds, sketches."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)
    sketches: dict[str, SketchSum] = field(default_factory=dict)

    @property
    def transactions(self) -> int:
        """Return the number of verdicts."""
        return self.counts.get("transactions", 0)

    def add(self, part: PolicyCounts) -> None:
        """Add the counts of a window."""
        _add(self.counts, part.counts)
        _add(self.sums, part.sums)
        for name, each in part.sketches.items():
            mine = self.sketches.get(name)
            if mine is None:
                mine = self.sketches[name] = SketchSum()
            mine.add(each.grid, each.thresholds, each.bins)

    def without(self, part: "Counted") -> "Counted":
        """Return the rest of it when `part`, which is in it, is taken away."""
        rest = Counted(dict(self.counts), dict(self.sums))
        _add(rest.counts, {name: -n for name, n in part.counts.items()})
        _add(rest.sums, {name: -n for name, n in part.sums.items()})
        for name, sketch in self.sketches.items():
            rest.sketches[name] = SketchSum()
            rest.sketches[name].add_sum(sketch)
            if name in part.sketches:
                rest.sketches[name].add_sum(part.sketches[name], -1)
        return rest


@dataclass(slots=True)
class Truth:
    """What labelled days add up to: outcomes by class, their scores, the transactions that asked for either check."""

    outcomes: dict[str, ClassCounts] = field(default_factory=dict)
    scores: dict[str, SketchSum] = field(default_factory=dict)
    requested: tuple[int, int] = (0, 0)

    def add(self, window: LabelledWindow) -> None:
        """Add a labelled day."""
        self.requested = (self.requested[0] + window.requested[0], self.requested[1] + window.requested[1])
        for name, each in window.classes.items():
            mine = self.outcomes.get(name, ClassCounts(0, 0, 0, None))
            self.outcomes[name] = ClassCounts(
                mine.passed + each.passed, mine.failed + each.failed, mine.missing + each.missing, None
            )
            if isinstance(each.scores, Sketch):
                self.scores.setdefault(name, SketchSum()).add(*each.scores.to_wire())


def cover(stretches: Iterable[Stretch], span: Span) -> set[Stretch]:
    """Return those that together cover as much of the span as they can, each moment once: the longest first."""
    chosen: set[Stretch] = set()
    taken: list[Stretch] = []
    inside = [each for each in set(stretches) if span.holds(each.start_ms, each.end_ms)]
    for _, same in groupby(sorted(inside, key=_longest_first), key=lambda each: each.length_s):
        own = [each for each in same if not _within(each, taken)]
        chosen.update(own)
        taken = sorted([*taken, *own], key=_by_start)
    return chosen


def gaps(taken: Iterable[Stretch], span: Span) -> list[Span]:
    """Return what is left of the span beside stretches in it that do not overlap: where shorter windows are asked for.

    Asked for length by length, the longest first and each in the gaps alone, windows are those of `cover`.
    """
    found, since_ms = [], span.since_ms
    for each in sorted(taken, key=_by_start):
        if since_ms is None or since_ms < each.start_ms:
            found.append(Span(since_ms, each.start_ms))
        since_ms = each.end_ms
    if span.until_ms is None or since_ms is None or since_ms < span.until_ms:
        found.append(Span(since_ms, span.until_ms))
    return found


def counted(windows: Iterable[CountedWindow]) -> dict[Segment, Counted]:
    """Return the sums by segment value."""
    found: dict[Segment, Counted] = {}
    for window in windows:
        total = found.get(window.segment)
        if total is None:
            total = found[window.segment] = Counted()
        for part in window.parts:
            total.add(part)
    return found


def truth(windows: Iterable[LabelledWindow]) -> dict[Segment, Truth]:
    """Return the sums of labelled days by segment value."""
    found: dict[Segment, Truth] = {}
    for window in windows:
        found.setdefault(window.segment, Truth()).add(window)
    return found


def values_of(found: Mapping[Segment, Counted], names: Sequence[str]) -> Iterator[tuple[Segment, Counted]]:
    """Yield the values of these segments, in order; without names the whole tenant."""
    for segment in sorted(found, key=lambda each: (each[0] or "", each[1] or "")):
        if segment[0] in names if names else segment == WHOLE:
            yield segment, found[segment]


def _longest_first(each: Stretch) -> tuple[int, int]:
    return -each.length_s, each.start_ms


def _by_start(each: Stretch) -> int:
    return each.start_ms


def _within(each: Stretch, taken: Sequence[Stretch]) -> bool:
    """Return whether one of those that are taken, which do not overlap, holds it."""
    place = bisect_right(taken, each.start_ms, key=_by_start)
    return place > 0 and each.start_ms < taken[place - 1].end_ms


def _add(into: dict[str, int], more: Mapping[str, int]) -> None:
    get = into.get
    for name, n in more.items():
        into[name] = get(name, 0) + n
