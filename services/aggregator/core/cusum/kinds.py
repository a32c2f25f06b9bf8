"""Which attempts a rate's charts count: first ones where they are known, else all of them (ADR 0042).

Both are remembered by hours, each as a series of its own, so that neither is ever compared with the other. A rate
begins with first attempts if its first window tells them. It goes over to them when an hour turns, once their hours
reach back far enough and nothing of that rate fires at its tenant; it goes back at once with the first window that does
not tell them. Segment values count what their tenant counts, for they are held against its rest.
"""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from proofwatch.detection.findings import PEOPLE_REFERRED, counted_as
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.profile import unpacked
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, Side
from services.aggregator.core.figures import OF_FIRST, counted, counted_first, people_referred


class Trials(NamedTuple):
    """k and n of a window by metric: of all attempts, and of first ones; None: they are not known."""

    attempts: Mapping[str, tuple[int, int]]
    first: Mapping[str, tuple[int, int]] | None = None

    def of(self, metric: str, *, firsts: bool) -> tuple[int, int] | None:
        """Return k and n of one kind of attempts; None: it is not known."""
        if not firsts:
            return self.attempts[metric]
        return None if self.first is None else self.first.get(metric)


def trials_of(counts: Mapping[str, int]) -> Trials:
    """Return what the counters of a window tell."""
    attempts, people = counted(counts), people_referred(counts)
    if people is not None:
        attempts[PEOPLE_REFERRED] = people
    return Trials(attempts, counted_first(counts))


def series_of(metric: str, *, firsts: bool) -> str:
    """Return under which name the hours of a rate are remembered."""
    return counted_as(metric, "first_attempts" if firsts else None)


def kinds_of(metric: str) -> tuple[bool, ...]:
    """Return whether a rate is counted of first attempts, for each way in which it is."""
    return (False, True) if metric in OF_FIRST else (False,)


def rule_of(metric: str, rule: CusumRule) -> CusumRule:
    """Return the rule by which a rate is judged."""
    return rule.of_people if metric == PEOPLE_REFERRED else rule


def begins_with_firsts(metric: str, trials: Trials) -> bool:
    """Return whether the charts of a rate that is new count first attempts."""
    return metric in OF_FIRST and trials.first is not None


def is_ready(history: HourRow, metric: str, hour: int, rule: CusumRule) -> bool:
    """Return whether the hours of first attempts reach back as far as a baseline needs, or as far as those of all."""
    first, every = (history.hours.get(series_of(metric, firsts=firsts), b"") for firsts in (True, False))
    if not first:
        return False
    since = int(unpacked(first)[0, 0])
    return hour - since >= 24 * rule.baseline_days or (bool(every) and since <= int(unpacked(every)[0, 0]))


def changed(state: RateState) -> RateState:
    """Return a rate that counts the other kind from now on: charts begin at zero; what alarms goes on until they show
    that it is over.
    """
    up, down = (Side(alarmed_ms=side.alarmed_ms, doublings=side.doublings) for side in (state.up, state.down))
    return replace(state, firsts=not state.firsts, up=up, down=down)


def as_tenant(row: RateRow, tenant: RateRow, trials: Trials) -> dict[str, bool]:
    """Return whether rates of a segment value are to count first attempts: as those of its tenant do."""
    known = trials.first is not None
    return {
        metric: known and tenant.rates.get(metric, state).firsts
        for metric, state in row.rates.items()
        if metric in OF_FIRST
    }
