"""How a window that closed moves the charts of a rate: state and counts in, state and what is seen out."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.again import Step, began, stepped
from services.aggregator.core.cusum.back import came_back, moved_back
from services.aggregator.core.cusum.change_point import EMPTY, Begin, Posterior, begin, seen
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved
from services.aggregator.core.cusum.growth import doubled, so_far
from services.aggregator.core.cusum.kinds import rule_of
from services.aggregator.core.cusum.profile import Usual
from services.aggregator.core.cusum.state import QUIET, RateRow, RateState, Side
from services.aggregator.core.cusum.two_levels import climbed, split
from services.aggregator.core.cusum.wave import begun
from services.aggregator.core.series import Direction
from services.aggregator.core.times import DAY_MS


class Seen(NamedTuple):
    """What one direction of a rate says after a window: the chart that says most, what it is compared with, its limit.

    `over`: both charts stood at zero for long enough, so that what fires is over; `alarms`: one of them is at its
    limit; `low`: a whole tenant's is at the low one; `step`: the rate left the alarm's own level, or is back at
    it. `begin`: when the rate changed, if the chart is the one against the moving baseline. `firsts`: they count first
    attempts. `grew`: what alarms counts a power of two more than it told; `final`: what it had come to when it was
    over, None: it is not, or that is not known.
    """

    direction: Direction
    chart: Chart
    usual: Usual
    limit: float
    phi: float
    alarms: bool
    low: bool
    over: bool
    step: Step | None = None
    begin: Begin | None = None
    firsts: bool = False
    grew: bool = False
    final: float | None = None


def closed(
    row: RateRow,
    start_ms: int,
    counts: Mapping[str, Counts],
    expected: Mapping[str, float],
    rule: CusumRule,
    begins: Collection[str] = (),
    *,
    whole: bool,
) -> dict[str, tuple[Seen, ...]]:
    """Move the charts by a window that closed, and return what is seen, by metric.

    The row stands in the window's hour (`hours.turned`), and the window is later than any before. Counts are of the
    attempts that each rate's charts count; of rates that are new those in `begins` count first ones.
    """
    row.last_ms = start_ms
    of_all = rule
    told: dict[str, tuple[Seen, ...]] = {}
    for metric, each in counts.items():
        rule = rule_of(metric, of_all)
        state = row.rates.get(metric)
        if state is None:
            phi = max(rule.dispersion_floor, rule.dispersion_unknown)
            state = RateState(Usual(expected[metric]), None, phi, firsts=metric in begins)
        if not each.n:  # further attempts alone say nothing of first ones
            row.rates[metric] = _counted(state, each, out=is_left_out(state, start_ms, rule))
            continue
        step = None
        if state.learning:  # after a governed marker what the policy expects is not what is usual
            up = QUIET
        else:
            moved_up, before = _side(state.up, state, each, rule.odds_ratio, rule)
            up, step = _watched(moved_up, state, each, rule, whole=whole)
            step = step or before
        # what the policy expects is a bound: a rate below it is no collapse
        down = _side(state.down, state, each, 1 / rule.odds_ratio, rule)[0] if state.usual.n else QUIET
        upwards = _seen("up", up, state, rule, step, start_ms, whole=whole)
        downwards = _seen("down", down, state, rule, None, start_ms, whole=whole)
        if state.up.alarmed_ms or up.alarmed_ms:
            up, upwards = _grown(state.up, up, upwards)
        if state.down.alarmed_ms or down.alarmed_ms:
            down, downwards = _grown(state.down, down, downwards)
        out = left_out(up, start_ms, rule) or left_out(down, start_ms, rule)
        row.rates[metric] = _counted(state, each, out=out, up=up, down=down)
        told[metric] = (upwards, downwards)
    return told


def _grown(before: Side, side: Side, seen: Seen) -> tuple[Side, Seen]:
    up = seen.direction == "up"
    if not side.alarmed_ms:
        return side, seen._replace(final=so_far(before, up=up))
    side, grew = doubled(before, side, up=up)
    return side, seen._replace(grew=grew)


def is_left_out(state: RateState, start_ms: int, rule: CusumRule) -> bool:
    """Return whether a window that begins at `start_ms` is left out of what is usual."""
    return left_out(state.up, start_ms, rule) or left_out(state.down, start_ms, rule)


def _counted(
    state: RateState, counts: Counts, *, out: bool, up: Side | None = None, down: Side | None = None
) -> RateState:
    """Return the state with a window's attempts in its hour, of both kinds as far as they are known.

    `up`, `down`: the sides after the window; None: as they were.
    """
    up, down = up or state.up, down or state.down
    own, other = (counts.k, counts.n), counts.other or (0, 0)
    (k, n), (first_k, first_n) = (other, own) if state.firsts else (own, other)
    if out:
        return replace(
            state,
            left_out_k=state.left_out_k + k,
            left_out_n=state.left_out_n + n,
            first_left_out_k=state.first_left_out_k + first_k,
            first_left_out_n=state.first_left_out_n + first_n,
            up=up,
            down=down,
        )
    return replace(
        state,
        k=state.k + k,
        n=state.n + n,
        first_k=state.first_k + first_k,
        first_n=state.first_n + first_n,
        up=up,
        down=down,
    )


def _side(side: Side, state: RateState, counts: Counts, odds_ratio: float, rule: CusumRule) -> tuple[Side, Step | None]:
    """Return a side after a window; when it alarms, what there was before what it alarms for, if there was."""
    baseline = _against(side.baseline, state.usual, counts, odds_ratio, state.phi, rule)
    reference = ZERO
    if state.reference is not None:
        reference = _against(side.reference, state.reference, counts, odds_ratio, state.phi, rule)
    if not side.alarmed_ms:
        alarms = baseline.statistic >= limit_of(baseline.n, state.usual, state.phi, rule.high_limit) or (
            state.reference is not None
            and reference.statistic >= limit_of(reference.n, state.reference, state.phi, rule.high_limit)
        )
        changed = seen(side.changed, counts, state.usual.p0, odds_ratio, state.phi)
        run_up = climbed(side.run_up, baseline, counts, state.usual.p0, odds_ratio, state.phi)
        if not alarms:
            return Side(baseline, reference, changed=changed, run_up=run_up), None
        return _alarmed(Side(baseline, reference, counts.start_ms, changed=changed, run_up=run_up), state, rule)
    by_reference = state.reference is not None and reference.statistic > baseline.statistic
    usual = state.reference if by_reference and state.reference is not None else state.usual
    ending = moved_back(side.ending, counts, usual.p0, state.phi, odds_ratio, rule)
    if came_back(ending, counts.start_ms, state.phi, rule):
        return Side(back=replace(ending, statistic=0.0)), None
    top = max(baseline.statistic, reference.statistic)
    if top >= rule.low_limit * state.phi:
        return Side(baseline, reference, side.alarmed_ms, changed=side.changed, ending=ending), None
    if top:
        zeros, back = side.zeros, side.back
        return Side(baseline, reference, side.alarmed_ms, zeros, back, changed=side.changed, ending=ending), None
    back = Chart(
        0.0,
        side.back.since_ms or counts.start_ms,
        side.back.k + counts.k,
        side.back.n + counts.n,
        side.back.expected + counts.n * state.usual.p0,
    )
    over = side.zeros + 1 >= rule.quiet_windows
    changed = EMPTY if over else side.changed
    alarmed_ms = 0 if over else side.alarmed_ms
    return Side(baseline, reference, alarmed_ms, side.zeros + 1, back, changed=changed, ending=ending), None


def _alarmed(side: Side, state: RateState, rule: CusumRule) -> tuple[Side, Step | None]:
    """Return a side that alarms from now on: from the second of two levels, if there are two."""
    sure = side.baseline.statistic >= limit_of(side.baseline.n, state.usual, state.phi, rule.high_limit)
    two = split(side.run_up, side.changed, state.phi, rule.low_limit) if sure else None
    if two is None:
        return replace(side, changed=_changed(side, side.alarmed_ms, state.phi), run_up=None), None
    changed = _changed(replace(side, changed=two.changed), side.alarmed_ms, state.phi)
    return replace(side, baseline=two.chart, changed=changed, run_up=None), two.before


def _changed(side: Side, start_ms: int, phi: float) -> Posterior:
    """Return when the rate of a side that climbs changed, as of a window; what alarmed keeps what it was then."""
    wave = None if side.run_up is None else begun(side.run_up.bins, start_ms, phi)
    return wave or side.changed


def _watched(side: Side, state: RateState, counts: Counts, rule: CusumRule, *, whole: bool) -> tuple[Side, Step | None]:
    """Return a side with what is watched while it is alarmed, and what that says of the window."""
    if not side.alarmed_ms:
        return side, None
    again = state.up.again
    if again is None:
        by_reference = side.reference.statistic > side.baseline.statistic
        chart = side.reference if by_reference else side.baseline
        if not chart.n:  # it counts other attempts than when it alarmed (`kinds`)
            return side, None
        return replace(side, again=began(chart, side.alarmed_ms, by_reference=by_reference)), None
    usual = state.reference if again.by_reference and state.reference is not None else state.usual
    plain = max(side.baseline.statistic, side.reference.statistic) >= rule.low_limit * state.phi
    now = stepped(again, counts, usual.p0, state.phi, rule, whole=whole, plain=plain)
    return replace(side, again=now.again), now.step


def _against(chart: Chart, usual: Usual, counts: Counts, odds_ratio: float, phi: float, rule: CusumRule) -> Chart:
    cap = limit_of(chart.n + counts.n, usual, phi, rule.high_limit)
    return moved(chart, counts, usual.p0, odds_ratio, cap)


def limit_of(n: int, usual: Usual, phi: float, limit: float) -> float:
    """Return a limit scaled by the dispersion, and by how little is known of the rate compared with.

    n trials against a rate of m trials vary 1 + n / m times as much as against a rate that is known.
    """
    return limit * phi * (1 + n / usual.n) if usual.n else limit * phi


def left_out(side: Side, start_ms: int, rule: CusumRule) -> bool:
    """Return whether a window that begins at `start_ms` is left out of what is usual: for so many days of an alarm."""
    return side.alarmed_ms > 0 and start_ms < side.alarmed_ms + rule.left_out_days * DAY_MS


def _seen(
    direction: Direction,
    side: Side,
    state: RateState,
    rule: CusumRule,
    step: Step | None,
    start_ms: int,
    *,
    whole: bool,
) -> Seen:
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
    began_at = None
    if chart is side.baseline and (low or chart.statistic >= limit or side.alarmed_ms):
        began_at = begin(_changed(side, start_ms, state.phi))
    alarms = chart.statistic >= limit
    return Seen(direction, chart, compared, limit, state.phi, alarms, low, over, step, began_at, state.firsts)
