"""What a join of verdicts and labels changes in the labelled cells. Pure: entries in, deltas out.

Cells count entries (`core.entries`); a change of an entry takes its old contribution back (-1) and adds the new (+1).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from proofwatch.biometrics.edges import EdgeSet, edge_set
from proofwatch.biometrics.trials import is_attack, system_class
from services.aggregator.core.entries import Entry, Trial
from services.aggregator.core.limits.trials import Counted, changes

DAY_US = 86_400_000_000
MISSING = "missing"
TRANSACTIONS = "transactions"
"""Trial class of the cells that count labelled transactions once each, whatever their number of trials."""


class WindowKey(NamedTuple):
    """A labelled window: days since 1970, tenant, segment; name and value are empty for the whole tenant."""

    day: int
    tenant: str
    segment_name: str
    segment_value: str


class Cell(NamedTuple):
    """What a labelled window counts separately.

    `outcome` is passed, failed or missing. `bin` is the score's bin on the edge set of the id `grid`; without a score,
    and where the whole system made the outcome, the grid is empty and the bin 0. A threshold in force is an edge of the
    grid, so no bin mixes outcomes.
    """

    policy_hash: str
    trial_class: str
    outcome: str
    grid: str
    bin: int


class Deltas:
    """Net changes of cells and of the numbers of requested checks; what cancels out leaves nothing."""

    def __init__(self, thresholds: Iterable[float] = (), known_on: Callable[[int], int] = lambda seen_ms: 0) -> None:
        """`thresholds` are further edges of every score sketch, beside those in force.

        `known_on`: the day of evaluation (`core.limits.judging`) of what comes when a lane is at so many ms in time.
        """
        self.cells: dict[tuple[WindowKey, Cell], int] = {}
        self.requested: dict[WindowKey, tuple[int, int]] = {}
        self.limits: dict[Counted, tuple[int, int]] = {}
        """Errors and trials that count towards the promised limits."""
        self.grids: dict[str, EdgeSet] = {}
        self.seen: dict[WindowKey, int] = {}
        """How far the lane had come in time when the first of the records came that changed a window."""
        self._thresholds = tuple(sorted(set(thresholds)))
        self._known_on = known_on
        self._verdicts: dict[tuple[str, int, str, bool, bool], tuple[int, int]] = {}

    def count_verdict(self, tenant: str, trial: Trial, n: int = 1, seen_ms: int = 0) -> None:
        """Count the checks that a verdict was asked for: the denominators of label coverage."""
        key = (
            tenant,
            trial.occurred_us // DAY_US,
            trial.segments,
            trial.match_outcome != "not_requested",
            trial.liveness_outcome != "not_requested",
        )
        before, first_ms = self._verdicts.get(key, (0, seen_ms))
        self._verdicts[key] = before + n, min(first_ms, seen_ms)

    def change(self, tenant: str, old: Entry, new: Entry, seen_ms: int = 0) -> None:
        """Count what becomes of an entry that was `old` and is `new`.

        `seen_ms`: how far the lane had come in time with the record that changed it (see `core.lateness`).
        """
        if old.trial != new.trial:
            if old.trial:
                self.count_verdict(tenant, old.trial, -1, seen_ms)
            if new.trial:
                self.count_verdict(tenant, new.trial, 1, seen_ms)
        if new.pair is None and new.presentation is None:
            return
        self._count_limits(tenant, old, new, seen_ms)
        for n, entry in ((-1, old), (1, new)):
            if entry.trial and (cells := list(self._cells(entry, entry.trial))):
                for window in _windows(tenant, entry.trial.occurred_us // DAY_US, entry.trial.segments):
                    self._note(window, seen_ms)
                    for cell in cells:
                        _bump(self.cells, (window, cell), n)

    def _count_limits(self, tenant: str, old: Entry, new: Entry, seen_ms: int) -> None:
        for trial, key, k, n, known_ms in changes(old, new, seen_ms):
            day = trial.occurred_us // DAY_US
            effective = max(day, self._known_on(known_ms))
            for window in _windows(tenant, day, trial.segments):
                counted = Counted(*window[1:], *key, day, effective)
                before = self.limits.get(counted, (0, 0))
                self.limits[counted] = before[0] + k, before[1] + n

    def settle(self) -> None:
        """Spread the counted verdicts over their windows: once per batch, not once per verdict."""
        for (tenant, day, segments, match, liveness), (n, seen_ms) in self._verdicts.items():
            if n:
                for window in _windows(tenant, day, segments):
                    self._note(window, seen_ms)
                    matches, livenesses = self.requested.get(window, (0, 0))
                    self.requested[window] = (matches + n * match, livenesses + n * liveness)
        self._verdicts.clear()

    def _note(self, window: WindowKey, seen_ms: int) -> None:
        known = self.seen.get(window)
        if known is None or seen_ms < known:
            self.seen[window] = seen_ms

    def _cells(self, entry: Entry, trial: Trial) -> Iterator[Cell]:
        aspects = (
            (entry.pair, trial.match_outcome, trial.match_score, trial.match_threshold),
            (entry.presentation, trial.liveness_outcome, trial.liveness_score, trial.liveness_threshold),
        )
        counted = False
        attack = entry.presentation.trial_class if entry.presentation else ""
        if is_attack(attack) and "not_requested" not in (trial.match_outcome, trial.liveness_outcome):
            accepted = "passed" if trial.decision == "accept" else "failed"
            yield Cell(trial.policy_hash, system_class(attack), accepted, "", 0)
        for assertion, outcome, score, threshold in aspects:
            if assertion is None or outcome == "not_requested":
                continue
            counted = True
            if outcome == MISSING:
                yield Cell(trial.policy_hash, assertion.trial_class, MISSING, "", 0)
                continue
            edges = _edges(self._thresholds, threshold)
            self.grids[edges.edge_set_id] = edges
            passed = "failed" if outcome == "fail" else "passed"
            yield Cell(trial.policy_hash, assertion.trial_class, passed, edges.edge_set_id, edges.bin_of(score))
        if counted:
            yield Cell(trial.policy_hash, TRANSACTIONS, "", "", 0)


def _bump(counts: dict[tuple[WindowKey, Cell], int], key: tuple[WindowKey, Cell], n: int) -> None:
    total = counts.get(key, 0) + n
    if total:
        counts[key] = total
    else:
        del counts[key]


@lru_cache(maxsize=1024)
def _edges(thresholds: tuple[float, ...], in_force: float) -> EdgeSet:
    return edge_set((*thresholds, in_force))


@lru_cache(maxsize=16_384)
def _windows(tenant: str, day: int, segments: str) -> tuple[WindowKey, ...]:
    pairs = msgspec.json.decode(segments, type=dict[str, str]).items()
    return WindowKey(day, tenant, "", ""), *(WindowKey(day, tenant, name, value) for name, value in pairs)
