"""How an hour that has turned moves what is usual for a rate, and what has it begin anew."""

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import restarted
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
) -> None:
    """Move both rows to the hour of a window: its predecessor joins the hours, and what is usual is told anew.

    `calendar`: the tenant's, by which the day of that window is told.
    """
    hour = start_ms // HOUR_MS
    for metric, state in row.rates.items():
        if metric not in expected:
            continue  # the policy expects it no more
        hours = unpacked(history.hours[metric]) if metric in history.hours else NO_HOURS
        hours = joined(hours, row.hour, state)
        hours = _without(hours[hours[:, 0] >= hour - KEPT_HOURS], state, start_ms, rule)
        history.hours[metric] = packed(hours)
        if len(hours):
            history.first.setdefault(metric, int(hours[0, 0]))
        row.rates[metric] = _compared(state, metric, hours, history, hour, expected[metric], rule, calendar)
    row.hour = hour


def rebased(row: RateRow, history: HourRow, metric: str, word: Rebase, rule: CusumRule, *, whole: bool) -> None:
    """Have a rate begin anew: from `word.from_ms` on its hours count, also those that alarmed, and nothing before them.

    They are its reference too, if they have enough failures; else the next 28 days will be. The charts begin with a
    head start, to see at once if the rate is not what the person's word says. The hour must be turned next.
    """
    from_hour, state = word.from_ms // HOUR_MS, row.rates[metric]
    hours = unpacked(history.hours[metric]) if metric in history.hours else NO_HOURS
    kept = joined(hours, row.hour, state)
    kept = kept[kept[:, 0] >= from_hour].copy()
    kept[:, 3] = 0
    history.hours[metric] = packed(kept)
    history.first[metric] = history.rebased[metric] = from_hour
    history.references.pop(metric, None)
    if int(kept[:, 1].sum()) >= rule.baseline_failures:
        history.references[metric] = of_hours(kept, int(kept[-1, 0]) + 1, word.by)
    again = Side(restarted((rule.low_limit if whole else rule.high_limit) * state.phi, word.effective_ms))
    row.rates[metric] = replace(state, k=0, n=0, left_out_k=0, left_out_n=0, up=again, down=again)


def begun_anew(row: RateRow, history: HourRow, metric: str, marker: GovernedMarker) -> None:
    """Have a rate begin anew with a governed marker: nothing before it counts, and its charts wait until enough does.

    What was usual before stays to be seen, so that what the change did to the rate is not absorbed unseen: the frozen
    reference, or what counted, where there was none. The comparison of before and after tells it. The hour must be
    turned next.
    """
    state = row.rates[metric]
    hours = joined(unpacked(history.hours[metric]) if metric in history.hours else NO_HOURS, row.hour, state)
    by = f"until {marker.name} {marker.version}, {marker.by}: {marker.reason}"
    reference, good = history.references.pop(metric, None), counting(hours)
    if state.learning:
        pass  # what was before the marker before this one says more than the little since
    elif reference is not None:
        history.before[metric] = replace(reference, by=by)
    elif len(good):
        history.before[metric] = of_hours(good, int(good[-1, 0]) + 1, by)
    history.hours[metric] = packed(NO_HOURS)
    history.first[metric] = history.rebased[metric] = marker.at_ms // HOUR_MS
    row.rates[metric] = RateState(Usual(state.usual.p0), None, state.phi, learning=True)


def joined(hours: Hours, hour: int, state: RateState) -> Hours:
    """Return the hours with the one that is going on."""
    new = [(hour, state.k, state.n, 0)] if state.n else []
    new += [(hour, state.left_out_k, state.left_out_n, 1)] if state.left_out_n else []
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


def _compared(
    state: RateState,
    metric: str,
    hours: Hours,
    history: HourRow,
    hour: int,
    expected: float,
    rule: CusumRule,
    calendar: Calendar,
) -> RateState:
    good = _settled(counting(hours), state, hour, rule)
    calm = not (state.up.alarmed_ms or state.down.alarmed_ms)
    if metric not in history.references and calm and len(good):
        reference = frozen(good, history.first[metric], hour, rule, calendar)
        if reference is not None:
            history.references[metric] = reference
    known = history.references.get(metric)
    known_usual = usual(good, hour, expected, rule, calendar, rebased=metric in history.rebased)
    return replace(
        state,
        usual=known_usual,
        reference=None if known is None else by_reference(known, hour, expected, calendar),
        phi=dispersion(good, rule, calendar),
        learning=state.learning and not known_usual.n,
        k=0,
        n=0,
        left_out_k=0,
        left_out_n=0,
    )
