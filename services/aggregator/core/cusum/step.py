"""How a window moves what is remembered of a rate, and how an hour that has turned moves what is usual.

`turned` and `closed` are all there is: state and counts in, state and what is seen out.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved, restarted
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
from services.aggregator.core.cusum.state import QUIET, HourRow, RateRow, RateState, Side
from services.aggregator.core.series import Direction
from services.aggregator.core.times import DAY_MS, HOUR_MS


class Seen(NamedTuple):
    """What one direction of a rate says after a window: the chart that says most, what it is compared with, its limit.

    `over`: both charts stood at zero for long enough, so that what fires is over; `alarms`: one of them is at its
    limit; `low`: a whole tenant's is at the low one.
    """

    direction: Direction
    chart: Chart
    usual: Usual
    limit: float
    phi: float
    alarms: bool
    low: bool
    over: bool


def turned(row: RateRow, history: HourRow, start_ms: int, expected: Mapping[str, float], rule: CusumRule) -> None:
    """Move both rows to the hour of a window: its predecessor joins the hours, and what is usual is told anew."""
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
        row.rates[metric] = _compared(state, metric, hours, history, hour, expected[metric], rule)
    row.hour = hour


def closed(
    row: RateRow,
    start_ms: int,
    counts: Mapping[str, Counts],
    expected: Mapping[str, float],
    rule: CusumRule,
    *,
    whole: bool,
) -> dict[str, tuple[Seen, ...]]:
    """Move the charts by a window that closed, and return what is seen, by metric.

    The row stands in the window's hour (`turned`), and the window is later than any before.
    """
    row.last_ms = start_ms
    seen: dict[str, tuple[Seen, ...]] = {}
    for metric, each in counts.items():
        state = row.rates.get(metric)
        if state is None:
            phi = max(rule.dispersion_floor, rule.dispersion_unknown)
            state = RateState(Usual(expected[metric]), None, phi)
        up = _side(state.up, state, each, rule.odds_ratio, rule)
        # what the policy expects is a bound: a rate below it is no collapse
        down = _side(state.down, state, each, 1 / rule.odds_ratio, rule) if state.usual.n else QUIET
        if _left_out(up, start_ms, rule) or _left_out(down, start_ms, rule):
            state = replace(
                state, left_out_k=state.left_out_k + each.k, left_out_n=state.left_out_n + each.n, up=up, down=down
            )
        else:
            state = replace(state, k=state.k + each.k, n=state.n + each.n, up=up, down=down)
        row.rates[metric] = state
        seen[metric] = (_seen("up", up, state, rule, whole=whole), _seen("down", down, state, rule, whole=whole))
    return seen


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


def joined(hours: Hours, hour: int, state: RateState) -> Hours:
    """Return the hours with the one that is going on."""
    new = [(hour, state.k, state.n, 0)] if state.n else []
    new += [(hour, state.left_out_k, state.left_out_n, 1)] if state.left_out_n else []
    return np.concatenate([hours, np.array(new, np.int64)]) if new else hours


def _without(hours: Hours, state: RateState, start_ms: int, rule: CusumRule) -> Hours:
    """Leave out what came since the change point of what alarms, for at most as long as the policy says."""
    for side in (state.up, state.down):
        if _left_out(side, start_ms, rule):
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
    state: RateState, metric: str, hours: Hours, history: HourRow, hour: int, expected: float, rule: CusumRule
) -> RateState:
    good = _settled(counting(hours), state, hour, rule)
    calm = not (state.up.alarmed_ms or state.down.alarmed_ms)
    if metric not in history.references and calm and len(good):
        reference = frozen(good, history.first[metric], hour, rule)
        if reference is not None:
            history.references[metric] = reference
    known = history.references.get(metric)
    return replace(
        state,
        usual=usual(good, hour, expected, rule, rebased=metric in history.rebased),
        reference=None if known is None else by_reference(known, hour, expected),
        phi=dispersion(good, rule),
        k=0,
        n=0,
        left_out_k=0,
        left_out_n=0,
    )


def _side(side: Side, state: RateState, counts: Counts, odds_ratio: float, rule: CusumRule) -> Side:
    baseline = _against(side.baseline, state.usual, counts, odds_ratio, state.phi, rule)
    reference = ZERO
    if state.reference is not None:
        reference = _against(side.reference, state.reference, counts, odds_ratio, state.phi, rule)
    if not side.alarmed_ms:
        alarms = baseline.statistic >= limit_of(baseline.n, state.usual, state.phi, rule.high_limit) or (
            state.reference is not None
            and reference.statistic >= limit_of(reference.n, state.reference, state.phi, rule.high_limit)
        )
        return Side(baseline, reference, counts.start_ms if alarms else 0)
    top = max(baseline.statistic, reference.statistic)
    if top >= rule.low_limit * state.phi:
        return Side(baseline, reference, side.alarmed_ms)
    if top:
        return Side(baseline, reference, side.alarmed_ms, side.zeros, side.back)
    back = Chart(
        0.0,
        side.back.since_ms or counts.start_ms,
        side.back.k + counts.k,
        side.back.n + counts.n,
        side.back.expected + counts.n * state.usual.p0,
    )
    over = side.zeros + 1 >= rule.quiet_windows
    return Side(baseline, reference, 0 if over else side.alarmed_ms, side.zeros + 1, back)


def _against(chart: Chart, usual: Usual, counts: Counts, odds_ratio: float, phi: float, rule: CusumRule) -> Chart:
    cap = limit_of(chart.n + counts.n, usual, phi, rule.high_limit)
    return moved(chart, counts, usual.p0, odds_ratio, cap)


def limit_of(n: int, usual: Usual, phi: float, limit: float) -> float:
    """Return a limit scaled by the dispersion, and by how little is known of the rate compared with.

    n trials against a rate of m trials vary 1 + n / m times as much as against a rate that is known.
    """
    return limit * phi * (1 + n / usual.n) if usual.n else limit * phi


def _left_out(side: Side, start_ms: int, rule: CusumRule) -> bool:
    return side.alarmed_ms > 0 and start_ms < side.alarmed_ms + rule.left_out_days * DAY_MS


def _seen(direction: Direction, side: Side, state: RateState, rule: CusumRule, *, whole: bool) -> Seen:
    chart, compared = side.baseline, state.usual
    limit = limit_of(chart.n, compared, state.phi, rule.high_limit)
    if state.reference is not None:
        other = limit_of(side.reference.n, state.reference, state.phi, rule.high_limit)
        if side.reference.statistic / other > chart.statistic / limit:
            chart, compared, limit = side.reference, state.reference, other
    low = whole and chart.statistic >= limit_of(chart.n, compared, state.phi, rule.low_limit)
    over = not chart.statistic and not side.alarmed_ms
    if over and side.back.n:
        chart = side.back
    return Seen(direction, chart, compared, limit, state.phi, chart.statistic >= limit, low, over)
