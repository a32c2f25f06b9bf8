"""From the verdicts of one batch to cells: one minute × tenant × segment value × policy.

The hot path of the aggregator. A verdict becomes one row, shared by all its cells: its outcome, the bin label of each
score and timing, and the timings in whole microseconds (integers, so that sums are exact in any order). A cell counts
its rows column by column; the dictionaries that count are the ones that go onto the wire.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from proofwatch.biometrics.edges import TIME_GRID, EdgeSet, edge_set
from proofwatch.events.segments import VERSIONS
from proofwatch.events.types import Cell, Sketch, Timings, Verdict
from proofwatch.instants import ms_of
from services.aggregator.core.figures import AGAIN, FIRST_ATTEMPTS, REFERRED_AGAIN, REFERRED_ONCE
from services.aggregator.core.segments import WHOLE, Segment, segments_of
from services.aggregator.core.times import HOUR_MS, MICROSECONDS, MINUTE_MS

TIMINGS: Final = ("capture_ms", "upload_ms", "match_ms", "liveness_ms")

_COUNTERS: Final = {name: f"timing.{name}" for name in TIMINGS}
_SKETCHES: Final = ("match", "liveness", *TIMINGS)
_TIME: Final = edge_set(grid=TIME_GRID)
_LABELS: Final = tuple(str(index) for index in range(4096))  # more than any edge set has bins
_ABSENT: Final = (None, 0)
_NO_TIMINGS: Final = (*[None] * len(TIMINGS), *[0] * len(TIMINGS))
_LATE_MS: Final = HOUR_MS  # the least that an alert horizon can be: what came sooner is in time for every window
_MANY: Final = 24  # rows from which on Counter's C loop is worth its set-up

_Key = tuple[str, int, str, float, float, int | None]  # tenant, minute, policy, thresholds; seen at, if late
_Outcome = tuple[str, str, str, str, bool, bool]
"""Decision, action, match, liveness; whether failures counted before it, and whether it had been referred already."""
_Row = tuple[Any, ...]  # outcome number; six bin labels or None; four durations in microseconds
_Content = tuple[dict[str, int], dict[str, float], dict[str, Sketch]]


class Fold:
    """Collects the verdicts of a batch, then yields their cells."""

    def __init__(self, catalogue: Iterable[str]) -> None:
        """`catalogue`: the names of the segments to count by, beside versions."""
        self._catalogue = frozenset(catalogue) | {*VERSIONS}
        self._groups: dict[_Key, dict[Segment, list[_Row]]] = {}
        self._outcomes: dict[_Outcome, int] = {}

    def add(self, verdict: Verdict, seen_ms: int = 0) -> None:
        """Count one verdict, whose `occurred_at` must not lie before 1970.

        `seen_ms`: how far its partition has come in time with it, the greatest timestamp of a record so far. What came
        late is counted in cells of its own, so that whether it is too late to act upon is a property of the record,
        and not of the batch that it happens to be in.
        """
        basis = verdict.basis
        match_threshold, liveness_threshold = basis.match_threshold, basis.liveness_threshold
        before = basis.attempts_before
        further = before.match > 0 or before.liveness > 0
        outcome = (
            verdict.decision,
            verdict.action,
            verdict.match_outcome,
            verdict.liveness_outcome,
            further,
            bool(basis.referred_before),
        )
        row: _Row = (
            self._outcomes.setdefault(outcome, len(self._outcomes)),
            _score(match_threshold, verdict.match_score),
            _score(liveness_threshold, verdict.liveness_score),
            *(_NO_TIMINGS if verdict.timings is None else _durations(verdict.timings)),
        )
        at_ms = ms_of(verdict.occurred_at)
        late = seen_ms - seen_ms % MINUTE_MS if seen_ms - at_ms > _LATE_MS else None
        key = (verdict.tenant, at_ms - at_ms % MINUTE_MS, basis.policy_hash, match_threshold, liveness_threshold, late)
        cells = self._groups.get(key)
        if cells is None:
            cells = self._groups[key] = {}
        for segment in segments_of(verdict, self._catalogue):
            rows = cells.get(segment)
            if rows is None:
                cells[segment] = [row]
            else:
                rows.append(row)

    def cells(self) -> Iterator[Cell]:
        """Yield one cell for every minute, tenant, segment value and policy that was met; late ones apart."""
        outcomes = [_counters(outcome) for outcome in self._outcomes]
        for (tenant, start, policy_hash, match_threshold, liveness_threshold, late), cells in self._groups.items():
            edges = {"match": _edges(match_threshold), "liveness": _edges(liveness_threshold)}
            alone: dict[int, _Content] = {}  # small batches: all cells of one transaction have the same content
            everybody: _Content | None = None
            whole = len(cells[WHOLE])
            for (name, value), rows in cells.items():
                content = alone.get(id(rows[0])) if len(rows) == 1 else None
                if len(rows) == whole and everybody:  # a value that all have, as a matcher's version
                    content = everybody
                if content is None:
                    content = _content(rows, outcomes, edges)
                    if len(rows) == 1:
                        alone[id(rows[0])] = content
                everybody = everybody or content  # the whole tenant comes first
                counts, sums, sketches = content
                yield Cell(
                    tenant=tenant,
                    start=start,
                    segment_name=name,
                    segment_value=value,
                    policy_hash=policy_hash,
                    counts=counts,
                    sums=sums,
                    sketches=sketches,
                    seen_at=late,
                )


def _score(threshold: float, score: float | None) -> str | None:
    return None if score is None else _LABELS[bisect_right(_edges(threshold).edges, score) - 1]


@lru_cache(maxsize=256)
def _edges(threshold: float) -> EdgeSet:
    return edge_set((threshold,))


def _durations(timings: Timings) -> tuple[str | int | None, ...]:
    capture, capture_us = _duration(timings.capture_ms)
    upload, upload_us = _duration(timings.upload_ms)
    match, match_us = _duration(timings.match_ms)
    liveness, liveness_us = _duration(timings.liveness_ms)
    return capture, upload, match, liveness, capture_us, upload_us, match_us, liveness_us


@lru_cache(maxsize=16_384)
def _duration(milliseconds_: float | None) -> tuple[str | None, int]:
    """Return bin label and microseconds; whole milliseconds, which most SDKs report, repeat themselves."""
    if milliseconds_ is None:
        return _ABSENT
    return _LABELS[bisect_right(_TIME.edges, milliseconds_) - 1], round(milliseconds_ * MICROSECONDS)


def _content(rows: Sequence[_Row], outcomes: Sequence[Sequence[str]], edges: Mapping[str, EdgeSet]) -> _Content:
    columns = list(zip(*rows, strict=True))
    counts: dict[str, int] = {"transactions": len(rows), FIRST_ATTEMPTS: 0}
    for outcome, n in _counted(columns[0]).items():
        for name in outcomes[outcome]:
            counts[name] = counts.get(name, 0) + n
    sketches: dict[str, Sketch] = {}
    for name, column in zip(_SKETCHES, columns[1:7], strict=True):
        bins = _counted(column)
        bins.pop(None, None)
        if bins:
            on = edges.get(name, _TIME)
            sketches[name] = Sketch(grid=on.grid, thresholds=on.thresholds, bins=bins)
    sums: dict[str, float] = {}
    for (name, counter), column in zip(_COUNTERS.items(), columns[7:], strict=True):
        if name in sketches:
            counts[counter] = sum(sketches[name].bins.values())
            sums[name] = sum(column) / MICROSECONDS
    return counts, sums, sketches


def _counted(column: Sequence[Any]) -> dict[Any, int]:
    if len(column) == 1:
        return {column[0]: 1}
    if len(column) >= _MANY:
        return dict(Counter(column))
    counted: dict[Any, int] = {}
    for item in column:
        counted[item] = counted.get(item, 0) + 1
    return counted


def _counters(outcome: _Outcome) -> tuple[str, ...]:
    """Return the counters that one verdict with this outcome adds 1 to, beside `transactions`."""
    decision, action, match, liveness, further, referred = outcome
    counters = [f"decision.{decision}"]
    if match != "not_requested":
        counters.append(f"match.{match}")
    if liveness != "not_requested":
        counters.append(f"liveness.{liveness}")
    if further:
        counters += [f"{AGAIN}{name}" for name in ("transactions", *counters)]
    else:
        counters.append(FIRST_ATTEMPTS)
    if decision == "refer":
        counters.append(REFERRED_AGAIN if referred else REFERRED_ONCE)
    if action != "none":
        counters.append(f"action.{action}")
    return tuple(counters)
