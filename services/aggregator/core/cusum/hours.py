"""How an hour that has turned moves what is usual for a rate, and what has it begin anew."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

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
    Reference,
    Usual,
    by_references,
    counting,
    first_hour,
    frozen,
    kept_from,
    of_hours,
    packed,
    packed_hour,
    unpacked,
    usual_of,
)
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, Side
from services.aggregator.core.cusum.step import left_out
from services.aggregator.core.cusum.together import Together
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.times import HOUR_MS


class Turn(NamedTuple):
    """A row whose hour turns, its hours, and whether a rate counts first attempts from now on (else: as it did)."""

    row: RateRow
    history: HourRow
    kinds: Mapping[str, bool] = MappingProxyType({})


class _Turning(NamedTuple):
    """A rate of a row: the state that it had, whose hours its charts are compared with from now on, as stored."""

    turn: Turn
    metric: str
    state: RateState
    name: str
    hours: bytes


def turned(
    turns: Sequence[Turn], start_ms: int, expected: Mapping[str, float], rule: CusumRule, calendar: Calendar
) -> None:
    """Move rows to the hour of a window: its predecessor joins the hours, and what is usual is told anew.

    All rows are of one tenant; `calendar` is its own, by which the day of that window is told.
    """
    hour = start_ms // HOUR_MS
    turning = [each for turn in turns for each in _joined(turn, start_ms, expected, rule)]
    if turning:
        _compare(turning, hour, expected, rule, calendar)
    for turn in turns:
        turn.row.hour = hour


def _joined(turn: Turn, start_ms: int, expected: Mapping[str, float], rule: CusumRule) -> Iterator[_Turning]:
    """Have the hour that ended join the hours of each rate."""
    row, history, oldest = turn.row, turn.history, start_ms // HOUR_MS - KEPT_HOURS
    for metric, state in row.rates.items():
        if metric not in expected:
            continue  # the policy expects it no more
        both: dict[bool, bytes] = {}
        for firsts in kinds_of(metric):
            name = series_of(metric, firsts=firsts)
            body = kept_from(history.hours.get(name, b"") + ended(row.hour, state, firsts=firsts), oldest)
            both[firsts] = body = _without(body, state, start_ms, rule)
            if body or not firsts:
                history.hours[name] = body
            if body:
                history.first.setdefault(name, first_hour(body))
        if turn.kinds.get(metric, state.firsts) != state.firsts:
            history.references.pop(series_of(metric, firsts=state.firsts), None)
            state = changed(state)
        yield _Turning(turn, metric, state, series_of(metric, firsts=state.firsts), both[state.firsts])


def _compare(
    turning: Sequence[_Turning], hour: int, expected: Mapping[str, float], rule: CusumRule, calendar: Calendar
) -> None:
    """Tell anew what each rate is compared with, and how far it varies."""
    rules = [rule_of(each.metric, rule) for each in turning]
    awaited = [expected[each.metric] for each in turning]
    before = [_settled_before(each.state, hour, own) for each, own in zip(turning, rules, strict=True)]
    good, slot = Together([each.hours for each in turning], calendar, before), calendar.slot(hour)
    known: list[Reference | None] = []
    for at, (turn, _, state, name, _) in enumerate(turning):
        calm = not (state.up.alarmed_ms or state.down.alarmed_ms)
        if name not in turn.history.references and calm and good.rows[at]:
            reference = frozen(good.hours(at), turn.history.first[name], hour, rules[at], calendar)
            if reference is not None:
                turn.history.references[name] = reference
        known.append(turn.history.references.get(name))
    rebased_ones = [each.name in each.turn.history.rebased for each in turning]
    usual = usual_of(good, hour, awaited, rules, slot, rebased_ones)
    held = [at for at, each in enumerate(known) if each is not None]
    by_reference = dict(
        zip(
            held,
            by_references([each for each in known if each is not None], [awaited[at] for at in held], slot, calendar),
            strict=True,
        )
    )
    phi = good.dispersions([each.dispersion_floor for each in rules], [each.dispersion_unknown for each in rules])
    for at, (turn, metric, state, _, _) in enumerate(turning):
        turn.row.rates[metric] = replace(
            _emptied(state),
            usual=usual[at],
            reference=by_reference.get(at),
            phi=phi[at],
            learning=state.learning and not usual[at].n,
        )


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
    new = ended(hour, state, firsts=firsts)
    return np.concatenate([hours, unpacked(new)]) if new else hours


def ended(hour: int, state: RateState, *, firsts: bool) -> bytes:
    """Return the hour that is going on as hours are stored (`profile.packed`); nothing, where it has no trials."""
    k, n, left_out_k, left_out_n = (
        (state.first_k, state.first_n, state.first_left_out_k, state.first_left_out_n)
        if firsts
        else (state.k, state.n, state.left_out_k, state.left_out_n)
    )
    counts = packed_hour(hour, k, n, alarmed=False) if n else b""
    return counts + packed_hour(hour, left_out_k, left_out_n, alarmed=True) if left_out_n else counts


def _without(body: bytes, state: RateState, start_ms: int, rule: CusumRule) -> bytes:
    """Leave out what came since the change point of what alarms, for at most as long as the policy says."""
    for side in (state.up, state.down):
        if left_out(side, start_ms, rule):
            since = [each.since_ms for each in (side.baseline, side.reference) if each.since_ms]
            first = min(since, default=side.alarmed_ms)
            hours = unpacked(body)
            hours[hours[:, 0] >= first // HOUR_MS, 3] = 1
            body = packed(hours)
    return body


def _settled_before(state: RateState, hour: int, rule: CusumRule) -> int | None:
    """Return the hour of the change point of what climbs: what came before counts, the rest once it has come back.

    None: nothing climbs. Else a change would widen the limit, and raise the baseline, that are to find it. What has
    more trials than the baseline counts: it is the better one.
    """
    climbing = []
    for chart in (state.up.baseline, state.up.reference, state.down.baseline, state.down.reference):
        since = chart.since_ms // HOUR_MS
        climbs = chart.statistic >= rule.low_limit * state.phi / 4 and chart.n <= state.usual.n
        if climbs and hour - since < 24 * rule.left_out_days:
            climbing.append(since)
    return min(climbing, default=None)


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
