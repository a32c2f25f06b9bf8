"""What is remembered of a tenant between steps, and how a closed or restated minute moves it.

Late data restate: the minutes of the last hour are kept, and when one of them changes, what follows from them is
counted again from where the detectors stood before that hour. What comes later than an hour behind the newest minute is
not looked at. So the state is a function of the minutes, in whatever order and batches they came; what was told before
late data came is taken back by the next revision.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from msgspec import Struct

from proofwatch.governance.policy import RealTimeRule
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.quiet import SILENCE_MS
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.begun import Begun, begun_by, touched
from services.aggregator.core.real_time.detector import Detector
from services.aggregator.core.real_time.hours import Compared, Rate, Sums
from services.aggregator.core.real_time.life import Changes, Mark, Marks, absent_marks, next_marks
from services.aggregator.core.real_time.minute import NO_SCORES, Check, Minute
from services.aggregator.core.real_time.reference import Reference
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import DAY_MS, HOUR_MS, MINUTE_MS

_LEFT_OUT_MS: Final = 7 * DAY_MS
_VIEWS: Final = 1_024
"""Of the tenants of a step, each at one hour or two; the states that they are of are in memory meanwhile."""
_NOTHING: Final[Begun] = MappingProxyType({})
_CHECKS: Final[tuple[Check, ...]] = ("match", "liveness")


Markers = Sequence[GovernedMarker]


class Memory(Struct, array_like=True, frozen=True):
    """The marks after the minute that ended at `end_ms` (0: before any)."""

    end_ms: int = 0
    marks: dict[str, Mark] = {}


class Told(Struct, array_like=True, frozen=True):
    """What was published last of a series; `habit`: that it may be one, and is of low evidence.

    `doublings`: the power of two of those affected by then.
    """

    anomaly_id: str
    revision: int
    told_ms: int
    firing: bool
    since_ms: int
    habit: bool = False
    doublings: int = 0


class TenantState(Struct, array_like=True):
    """`minutes`: of the last hour, ascending; `before`: the memory ahead of them, `after`: behind them."""

    reference: Reference = Reference()
    minutes: list[Minute] = []
    before: Memory = Memory()
    after: Memory = Memory()
    told: dict[str, Told] = {}


class Moved(NamedTuple):
    """A tenant's state, and what changed by its last minutes."""

    state: TenantState
    changes: Changes


class MinuteWatch:
    """Moves tenants' states by the detectors and the policy's limits."""

    def __init__(
        self,
        rule: RealTimeRule,
        detectors: Sequence[Detector] = DETECTORS,
        expected: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """`expected`: the policy's rates, by metric."""
        self._rule, self._expected = rule, expected
        self._detectors = tuple(detectors)
        self._views: dict[Any, tuple[Reference, View]] = {}
        self._causes = {each.name: each.causes for each in detectors}

    def closed(self, state: TenantState, minute: Minute, days: TenantDays, markers: Markers = ()) -> Moved:
        """Take a minute that closed, or was restated; one of more than an hour ago changes nothing.

        `markers`: the tenant's governed ones.
        """
        newest = state.minutes[-1].start_ms if state.minutes else None
        if newest is not None and minute.start_ms <= newest:
            return (
                self._restated(state, minute, days, markers) if minute.start_ms > newest - HOUR_MS else Moved(state, {})
            )
        state = self._matured(state, minute.start_ms, days, markers)
        after, changes = self._next(state.after, minute, state.reference, days, markers)
        moved = TenantState(state.reference, [*state.minutes, minute], state.before, after, state.told)
        return Moved(moved, changes)

    def absent(self, state: TenantState, until_ms: int, days: TenantDays) -> Changes:
        """Return what is told because no minute came until then. The state stays: a minute may still come."""
        end_ms = state.after.end_ms
        if not end_ms or until_ms <= end_ms:
            return {}
        view = self._seen_from(state.reference, (end_ms - MINUTE_MS) // HOUR_MS, days)
        return absent_marks(state.after.marks, end_ms, until_ms, view, self._rule, self._detectors)[1]

    def due_ms(self, state: TenantState, days: TenantDays) -> int | None:
        """Return by when something that is not yet told is to be, if no minute comes; None: nothing ever is."""
        end_ms, due = state.after.end_ms, []
        view = self._seen_from(state.reference, (end_ms - MINUTE_MS) // HOUR_MS, days)
        for detector in self._detectors:
            told = state.told.get(detector.name)
            mark = state.after.marks.get(detector.name)
            if detector.absent is None:
                due += [end_ms + SILENCE_MS] if told and told.firing else []
            elif mark and mark.fired_ms is None and not (told and told.firing):
                found = detector.absent(mark.chart, end_ms, view, self._rule)
                due += [found.at_ms] if found else []
        return min(due, default=None)

    def standing(self, state: TenantState, days: TenantDays) -> Marks:
        """Return the marks as they are, with the absence by which something was told already."""
        until_ms = max((each.told_ms + MINUTE_MS for each in state.told.values() if each.firing), default=0)
        if until_ms <= state.after.end_ms:
            return state.after.marks
        view = self._seen_from(state.reference, (state.after.end_ms - MINUTE_MS) // HOUR_MS, days)
        return absent_marks(state.after.marks, state.after.end_ms, until_ms, view, self._rule, self._detectors)[0]

    def step_ended(self) -> None:
        """Let go of what was held on to for the states of a step: they are read anew for the next one."""
        self._views.clear()

    def compared(self, minute: Minute, marks: Marks) -> Compared:
        """Return what of a minute joins the reference, by the marks after it."""
        firing: set[str] = set()
        for name, mark in marks.items():
            if mark.fired_ms is not None and minute.start_ms - mark.fired_ms < _LEFT_OUT_MS:
                firing |= self._causes.get(name, frozenset())
        match = NO_SCORES if "match" in firing else minute.match
        liveness = NO_SCORES if "liveness" in firing else minute.liveness
        apart = firing & {"match", "liveness"}
        sums = Sums(Rate() if apart else Rate(minute.rejected, minute.transactions), match, liveness)
        shapes = (minute.bins(check) if not firing & {check, f"{check}_shift"} else {} for check in _CHECKS)
        return Compared(sums, *shapes)

    def _seen_from(self, reference: Reference, hour: int, days: TenantDays, begun: Begun = _NOTHING) -> View:
        """Return the view; of one hour it is the same, whatever minutes came since, until further hours are absorbed.

        What makes it is held on to, so that its identity is not another's.
        """
        anew = {metric: first for metric, first in begun.items() if first > reference.newest}
        key = (id(reference.volumes), id(reference.recent), hour, days, tuple(sorted(anew.items())))
        if key not in self._views:
            if len(self._views) >= _VIEWS:
                self._views.clear()
            self._views[key] = reference, View(reference, hour, days, anew, self._expected)
        return self._views[key][1]

    def _next(
        self, memory: Memory, minute: Minute, reference: Reference, days: TenantDays, markers: Markers
    ) -> tuple[Memory, Changes]:
        begun = begun_by(markers, minute.start_ms) if markers else _NOTHING
        view = self._seen_from(reference, minute.start_ms // HOUR_MS, days, begun)
        anew = touched(markers, memory.end_ms - MINUTE_MS, minute.start_ms) if markers else ()
        marks, changes = next_marks(memory.marks, minute, view, self._rule, self._detectors, memory.end_ms, anew)
        return Memory(minute.start_ms + MINUTE_MS, marks), changes

    def _matured(self, state: TenantState, newest_ms: int, days: TenantDays, markers: Markers) -> TenantState:
        """Let the minutes of more than an hour ago go into the reference."""
        reference, before = state.reference, state.before
        kept = [each for each in state.minutes if each.start_ms > newest_ms - HOUR_MS]
        for each in state.minutes[: len(state.minutes) - len(kept)]:
            before, _ = self._next(before, each, reference, days, markers)
            reference = reference.taken(each, self.compared(each, before.marks))
        oldest_ms = kept[0].start_ms if kept else newest_ms
        return TenantState(
            reference.absorbed(oldest_ms // HOUR_MS, days, markers), kept, before, state.after, state.told
        )

    def _restated(self, state: TenantState, minute: Minute, days: TenantDays, markers: Markers) -> Moved:
        minutes = sorted(
            [*(each for each in state.minutes if each.start_ms != minute.start_ms), minute],
            key=lambda each: each.start_ms,
        )
        memory, changes = state.before, Changes()
        for each in minutes:
            memory, further = self._next(memory, each, state.reference, days, markers)
            changes |= further
        return Moved(TenantState(state.reference, minutes, state.before, memory, state.told), changes)
