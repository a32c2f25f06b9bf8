"""What a join of verdicts and labels changes in the labelled cells. Pure: entries in, deltas out.

Cells count entries (`core.entries`); a change of an entry takes its old contribution back (-1) and adds the new (+1).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from proofwatch.biometrics.edges import EdgeSet, edge_set
from proofwatch.biometrics.trials import is_attack, system_class
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.entries import Entry, Trial
from services.aggregator.core.limits.trials import FAR, LABELS, Counted, LimitKey, changes

DAY_US = 86_400_000_000
_MS_US = 1_000
MISSING = "missing"
TRANSACTIONS = "transactions"
"""Trial class of the cells that count labelled transactions once each, whatever their number of trials."""


class WindowKey(NamedTuple):
    """A labelled window: the date of the tenant's day (days since 1970), tenant, segment; no name: the whole tenant."""

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


class _Changes:
    """What changes in one labelled window: counts by the number of a cell, errors and trials by that of a limit."""

    __slots__ = ("cells", "limits", "seen_ms")

    def __init__(self) -> None:
        self.cells: dict[int, int] = {}
        self.limits: dict[int, list[int]] = {}
        self.seen_ms: int | None = None


class Deltas:
    """Net changes of cells and of the numbers of requested checks; what cancels out leaves nothing.

    They are there once `settle` was called. A label touches a cell or two in each of its transaction's windows, and
    batches are large: so each window is looked up once for all transactions of the same day and segments, and cells go
    by number until then.
    """

    def __init__(
        self,
        thresholds: Iterable[float] = (),
        known_on: Callable[[str, int], int] = lambda tenant, seen_ms: 0,
        *,
        days_of: DaysOf,
    ) -> None:
        """`thresholds` are further edges of every score sketch, beside those in force.

        `known_on`: the day of evaluation (`core.limits.judging`) of what comes of a tenant when a lane is at so many ms
        in time; `days_of`: whose days are which.
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
        self._days_of = days_of
        self._verdicts: dict[tuple[str, int, str, bool, bool], tuple[int, int]] = {}
        self._changes: dict[WindowKey, _Changes] = {}
        self._of: dict[tuple[str, int, str], list[_Changes]] = {}
        self._numbers: dict[Cell, int] = {}
        self._ats: dict[tuple[LimitKey, int], int] = {}
        self._accepted: dict[Counted, int] = {}

    def count_verdict(self, tenant: str, trial: Trial, n: int = 1, seen_ms: int = 0) -> None:
        """Count the checks that a verdict was asked for: the denominators of label coverage; and accepted ones."""
        key = (
            tenant,
            self._day(tenant, trial),
            trial.segments,
            trial.match_outcome != "not_requested",
            trial.liveness_outcome != "not_requested",
        )
        before, first_ms = self._verdicts.get(key, (0, seen_ms))
        self._verdicts[key] = before + n, min(first_ms, seen_ms)
        if trial.decision == "accept":
            self._count_accepted(tenant, trial, n, seen_ms)

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
        numbers = self._numbers
        for n, entry in ((-1, old), (1, new)):
            trial = entry.trial
            if trial and (cells := [numbers.setdefault(each, len(numbers)) for each in self._cells(entry, trial)]):
                for window in self._windows_of(tenant, trial):
                    if window.seen_ms is None or seen_ms < window.seen_ms:
                        window.seen_ms = seen_ms
                    counts = window.cells
                    for cell in cells:
                        counts[cell] = counts.get(cell, 0) + n

    def _count_accepted(self, tenant: str, trial: Trial, n: int, seen_ms: int) -> None:
        day, known_ms = self._day(tenant, trial), max(seen_ms, trial.logged_ms)
        counted = Counted(tenant, "", "", FAR, "", day, max(day, self._known_on(tenant, known_ms)))
        self._accepted[counted] = self._accepted.get(counted, 0) + n

    def _count_limits(self, tenant: str, old: Entry, new: Entry, seen_ms: int) -> None:
        for trial, key, k, n, known_ms in changes(old, new, seen_ms):
            at = (key, max(self._day(tenant, trial), self._known_on(tenant, known_ms)))
            number = self._ats.setdefault(at, len(self._ats))
            windows = self._windows_of(tenant, trial)
            for window in windows[:1] if key.metric == FAR else windows:  # of fraud the whole tenant is judged
                found = window.limits.get(number)
                if found is None:
                    window.limits[number] = [k, n]
                else:
                    found[0] += k
                    found[1] += n

    def _windows_of(self, tenant: str, trial: Trial) -> list[_Changes]:
        of = (tenant, self._day(tenant, trial), trial.segments)
        found = self._of.get(of)
        if found is None:
            found = self._of[of] = [self._changes.setdefault(window, _Changes()) for window in _windows(*of)]
        return found

    def count_label(self, tenant: str, seen_ms: int) -> None:
        """Count a label by the closing before which it came (`core.limits.labels`)."""
        day = self._known_on(tenant, seen_ms)
        counted = Counted(tenant, "", "", LABELS, "", day, day)
        k, n = self.limits.get(counted, (0, 0))
        self.limits[counted] = k, n + 1

    def _day(self, tenant: str, trial: Trial) -> int:
        return self._days_of(tenant).day(trial.occurred_us // _MS_US).number

    def settle(self) -> None:
        """Say what changed: spread over their windows what was counted once for all of a day and its segments."""
        for (tenant, day, segments, match, liveness), (n, seen_ms) in self._verdicts.items():
            if n:
                for window in _windows(tenant, day, segments):
                    self._note(window, seen_ms)
                    matches, livenesses = self.requested.get(window, (0, 0))
                    self.requested[window] = (matches + n * match, livenesses + n * liveness)
        self._verdicts.clear()
        cells, ats = list(self._numbers), list(self._ats)
        for window, changed in self._changes.items():
            if changed.seen_ms is not None:
                self._note(window, changed.seen_ms)
            for number, n in changed.cells.items():
                if n:
                    self.cells[window, cells[number]] = n
            for number, (k, n) in changed.limits.items():
                key, effective = ats[number]
                self.limits[Counted(*window[1:], *key, window.day, effective)] = k, n
        for counted, n in self._accepted.items():
            k, before = self.limits.get(counted, (0, 0))
            self.limits[counted] = k, before + n
        self._accepted.clear()
        self._changes.clear()
        self._of.clear()

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


@lru_cache(maxsize=1024)
def _edges(thresholds: tuple[float, ...], in_force: float) -> EdgeSet:
    return edge_set((*thresholds, in_force))


@lru_cache(maxsize=16_384)
def _windows(tenant: str, day: int, segments: str) -> tuple[WindowKey, ...]:
    pairs = msgspec.json.decode(segments, type=dict[str, str]).items()
    return WindowKey(day, tenant, "", ""), *(WindowKey(day, tenant, name, value) for name, value in pairs)
