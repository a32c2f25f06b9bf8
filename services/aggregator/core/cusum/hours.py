"""How an hour that has turned moves what is usual for a rate, and what has it begin anew."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from msgspec.structs import replace

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import restarted
from services.aggregator.core.cusum.kinds import changed, kinds_of, rule_of, series_of
from services.aggregator.core.cusum.profile import (
    KEPT_HOURS,
    NO_HOURS,
    Hours,
    Usual,
    by_reference,
    counting,
    dispersion,
    frozen,
    of_hours,
    packed,
    unpacked,
    usual,
)
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, Side
from services.aggregator.core.cusum.step import left_out
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.times import HOUR_MS


def turned(
    row: RateRow,
    history: HourRow,
    start_ms: int,
    expected: Mapping[str, float],
    rule: CusumRule,
    calendar: Calendar,
    kinds: Mapping[str, bool] = MappingProxyType({}),
) -> None:
    """Move both rows to the hour of a window: its predecessor joins the hours, and what is usual is told anew.

    `calendar`: the tenant's, by which the day of that window is told. `kinds`: whether a rate counts first attempts
    from now on; what is not in it goes on as it was.
    """
    hour = start_ms // HOUR_MS
    for metric, state in row.rates.items():
        if metric not in expected:
            continue  # the policy expects it no more
        both: dict[bool, Hours] = {}
        for firsts in kinds_of(metric):
            name = series_of(metric, firsts=firsts)
            hours = joined(known_hours(history, name), row.hour, state, firsts=firsts)
            both[firsts] = hours = _without(hours[hours[:, 0] >= hour - KEPT_HOURS], state, start_ms, rule)
            if len(hours) or not firsts:
                history.hours[name] = packed(hours)
            if len(hours):
                history.first.setdefault(name, int(hours[0, 0]))
        if kinds.get(metric, state.firsts) != state.firsts:
            history.references.pop(series_of(metric, firsts=state.firsts), None)
            state = changed(state)
        name = series_of(metric, firsts=state.firsts)
        own = rule_of(metric, rule)
        row.rates[metric] = _compared(state, name, both[state.firsts], history, hour, expected[metric], own, calendar)
    row.hour = hour


def rebased(row: RateRow, history: HourRow, metric: str, word: Rebase, rule: CusumRule, *, whole: bool) -> None:
    """Have a rate begin anew: from `word.from_ms` on its hours count, also those that alarmed, and nothing before them.

    They are its reference too, if they have enough failures; else the next 28 days will be. The charts begin with a
    head start, to see at once if the rate is not what the person's word says. The hour must be turned next.
    """
    from_hour, state = word.from_ms // HOUR_MS, row.rates[metric]
    for firsts in kinds_of(metric):
        name = series_of(metric, firsts=firsts)
        kept = joined(known_hours(history, name), row.hour, state, firsts=firsts)
        kept = kept[kept[:, 0] >= from_hour].copy()
        kept[:, 3] = 0
        history.hours[name] = packed(kept)
        history.first[name] = history.rebased[name] = from_hour
        history.references.pop(name, None)
        if int(kept[:, 1].sum()) >= rule.baseline_failures:
            history.references[name] = of_hours(kept, int(kept[-1, 0]) + 1, word.by)
    again = Side(restarted((rule.low_limit if whole else rule.high_limit) * state.phi, word.effective_ms))
    row.rates[metric] = replace(_emptied(state), up=again, down=again)


def begun_anew(row: RateRow, history: HourRow, metric: str, marker: GovernedMarker) -> None:
    """Have a rate begin anew with a governed marker: nothing before it counts, and its charts wait until enough does.

    What was usual before stays to be seen, so that what the change did to the rate is not absorbed unseen: the frozen
    reference, or what counted, where there was none. The comparison of before and after tells it. The hour must be
    turned next.
    """
    state = row.rates[metric]
    by = f"until {marker.name} {marker.version}, {marker.by}: {marker.reason}"
    for firsts in kinds_of(metric):
        name = series_of(metric, firsts=firsts)
        reference = history.references.pop(name, None)
        good = counting(joined(known_hours(history, name), row.hour, state, firsts=firsts))
        if state.learning:
            pass  # what was before the marker before this one says more than the little since
        elif reference is not None:
            history.before[name] = replace(reference, by=by)
        elif len(good):
            history.before[name] = of_hours(good, int(good[-1, 0]) + 1, by)
        history.hours[name] = packed(NO_HOURS)
        history.first[name] = history.rebased[name] = marker.at_ms // HOUR_MS
    row.rates[metric] = RateState(Usual(state.usual.p0), None, state.phi, learning=True, firsts=state.firsts)


def known_hours(history: HourRow, name: str) -> Hours:
    """Return the hours of a series (`kinds.series_of`) that have passed."""
    return unpacked(history.hours[name]) if name in history.hours else NO_HOURS


def joined(hours: Hours, hour: int, state: RateState, *, firsts: bool) -> Hours:
    """Return the hours of first or of all attempts with the one that is going on."""
    k, n, left_out_k, left_out_n = (
        (state.first_k, state.first_n, state.first_left_out_k, state.first_left_out_n)
        if firsts
        else (state.k, state.n, state.left_out_k, state.left_out_n)
    )
    new = [(hour, k, n, 0)] if n else []
    new += [(hour, left_out_k, left_out_n, 1)] if left_out_n else []
    return np.concatenate([hours, np.array(new, np.int64)]) if new else hours


def _without(hours: Hours, state: RateState, start_ms: int, rule: CusumRule) -> Hours:
    """Leave out what came since the change point of what alarms, for at most as long as the policy says."""
    for side in (state.up, state.down):
        if left_out(side, start_ms, rule):
            since = [each.since_ms for each in (side.baseline, side.reference) if each.since_ms]
            first = min(since, default=side.alarmed_ms)
            hours = hours.copy()
            hours[hours[:, 0] >= first // HOUR_MS, 3] = 1
    return hours


def _settled(hours: Hours, state: RateState, hour: int, rule: CusumRule) -> Hours:
    """Return the hours before the change point of what climbs: they count once it has come back.

    Else a change would widen the limit, and raise the baseline, that are to find it. What has more trials than the
    baseline counts: it is the better one.
    """
    for chart in (state.up.baseline, state.up.reference, state.down.baseline, state.down.reference):
        since = chart.since_ms // HOUR_MS
        climbs = chart.statistic >= rule.low_limit * state.phi / 4 and chart.n <= state.usual.n
        if climbs and hour - since < 24 * rule.left_out_days:
            hours = hours[hours[:, 0] < since]
    return hours


def _emptied(state: RateState) -> RateState:
    """Return the state with an hour that begins."""
    return replace(
        state,
        k=0,
        n=0,
        left_out_k=0,
        left_out_n=0,
        first_k=0,
        first_n=0,
        first_left_out_k=0,
        first_left_out_n=0,
    )


def _compared(
    state: RateState,
    name: str,
    hours: Hours,
    history: HourRow,
    hour: int,
    expected: float,
    rule: CusumRule,
    calendar: Calendar,
) -> RateState:
    good = _settled(counting(hours), state, hour, rule)
    calm = not (state.up.alarmed_ms or state.down.alarmed_ms)
    if name not in history.references and calm and len(good):
        reference = frozen(good, history.first[name], hour, rule, calendar)
        if reference is not None:
            history.references[name] = reference
    known = history.references.get(name)
    known_usual = usual(good, hour, expected, rule, calendar, rebased=name in history.rebased)
    return replace(
        _emptied(state),
        usual=known_usual,
        reference=None if known is None else by_reference(known, hour, expected, calendar),
        phi=dispersion(good, rule, calendar),
        learning=state.learning and not known_usual.n,
    )
