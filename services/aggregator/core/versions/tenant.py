"""A tenant's state between steps, and how a closed or restated window of five minutes moves it.

As with minutes (`core.real_time.tenant`): the windows of the last hour are kept, and what follows from one that is
restated is counted again from where the memory stood before that hour. What is later than that changes nothing. So the
state is a function of the windows, in whatever batches they came. Five minutes of hour H are compared with what was
usual up to hour H − 2, whenever they are looked at.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.policy import VersionRule
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.merge import SegmentWindow
from services.aggregator.core.times import HOUR_MS
from services.aggregator.core.versions.beginnings import is_known
from services.aggregator.core.versions.memory import Marker, Memory, next_memory, silenced, stands
from services.aggregator.core.versions.part import Five, Part, five_of, only_counted
from services.aggregator.core.versions.state import FIVE_MS, SILENCE_MS
from services.aggregator.core.versions.sums import Usual


class Told(Struct, array_like=True, frozen=True):
    """What was published last of a finding. `low`: of low evidence, since its people may explain it."""

    anomaly_id: str
    revision: int
    look: int
    firing: bool
    low: bool = False


class TenantVersions(Struct, array_like=True, frozen=True):
    """`fives`: of the last hour, ascending; `before`: the memory ahead of them, `after`: behind them.

    `hour`: of the newest ones, in hours since 1970; `usual` and `usual_before`: what ran up to two hours before it, and
    two hours before the hour before it; `pending`: parts that are older than an hour and in neither. `told`: findings
    by key; `listed`: markers as they are stored, by key.
    """

    hour: int = 0
    usual: Usual = Usual()
    usual_before: Usual = Usual()
    pending: tuple[tuple[int, Part], ...] = ()
    fives: tuple[Five, ...] = ()
    before: Memory = Memory()
    after: Memory = Memory()
    told: dict[str, Told] = {}
    listed: dict[str, Marker] = {}


def closed(
    state: TenantVersions,
    start_ms: int,
    windows: Iterable[SegmentWindow],
    rule: VersionRule,
    days: TenantDays,
    governed: Sequence[GovernedMarker] = (),
) -> TenantVersions:
    """Return the state after five minutes that closed, or the windows of them that were restated.

    `days`: the tenant's; `governed`: all governed markers of it.
    """
    newest_ms = state.after.start_ms
    if newest_ms and start_ms <= newest_ms:
        within = state.fives and start_ms > newest_ms - HOUR_MS
        return _restated(state, start_ms, windows, rule, days, governed) if within else state
    state = _moved_on(_matured(state, start_ms, rule, governed), start_ms // HOUR_MS, days)
    five = _five_of(start_ms, windows, days, None, state.before, governed)
    after = next_memory(state.after, five, state.usual, rule, governed)
    return replace(state, fives=(*state.fives, five), after=after)


def silence_ms(state: TenantVersions) -> int | None:
    """Return when what is found ends, if nothing of the tenant comes before; None: nothing would."""
    return state.after.start_ms + FIVE_MS + SILENCE_MS if stands(state.after) else None


def silent(
    state: TenantVersions, until_ms: int, rule: VersionRule, governed: Sequence[GovernedMarker] = ()
) -> TenantVersions:
    """Return the state after time went on to `until_ms` without the tenant; what comes for before that is too late."""
    due_ms = silence_ms(state)
    if due_ms is None or until_ms < due_ms:
        return state
    state = _matured(state, due_ms, rule, governed)
    memory = silenced(state.before, due_ms)
    return replace(state, before=memory, after=memory)


def _matured(
    state: TenantVersions, newest_ms: int, rule: VersionRule, governed: Sequence[GovernedMarker]
) -> TenantVersions:
    """Let what is more than an hour old go before the memory of that hour."""
    before, pending = state.before, list(state.pending)
    kept = tuple(each for each in state.fives if each.start_ms > newest_ms - HOUR_MS)
    for each in state.fives[: len(state.fives) - len(kept)]:
        before = next_memory(before, each, _usual_of(state, each), rule, governed)
        pending.append((each.start_ms, each.whole))
    return replace(state, before=before, pending=tuple(pending), fives=kept)


def _moved_on(state: TenantVersions, hour: int, days: TenantDays) -> TenantVersions:
    """Take what was usual on to an hour, if it is another one."""
    if hour == state.hour:
        return state
    usual_before = _with(state.usual, state.pending, state.hour - 1, hour - 2, days)
    usual = _with(usual_before, state.pending, hour - 2, hour - 1, days)
    pending = tuple(each for each in state.pending if each[0] // HOUR_MS >= hour - 1)
    return replace(state, hour=hour, usual=usual, usual_before=usual_before, pending=pending)


def _with(usual: Usual, pending: Iterable[tuple[int, Part]], first: int, end: int, days: TenantDays) -> Usual:
    for start_ms, part in pending:
        if first <= start_ms // HOUR_MS < end:
            usual = usual.plus(days.day(start_ms).start_ms, days.hour(start_ms).hour, part)
    return usual


def _restated(
    state: TenantVersions,
    start_ms: int,
    windows: Iterable[SegmentWindow],
    rule: VersionRule,
    days: TenantDays,
    governed: Sequence[GovernedMarker],
) -> TenantVersions:
    known = {each.start_ms: each for each in state.fives}
    known[start_ms] = _five_of(start_ms, windows, days, known.get(start_ms), state.before, governed)
    fives, after = tuple(known[at] for at in sorted(known)), state.before
    for each in fives:
        after = next_memory(after, each, _usual_of(state, each), rule, governed)
    return replace(state, fives=fives, after=after)


def _usual_of(state: TenantVersions, five: Five) -> Usual:
    return state.usual if five.start_ms // HOUR_MS == state.hour else state.usual_before


def _five_of(
    start_ms: int,
    windows: Iterable[SegmentWindow],
    days: TenantDays,
    counted: Five | None,
    before: Memory,
    governed: Sequence[GovernedMarker],
) -> Five:
    """Return the five minutes without the scores of versions that are long known, unless they are new once more.

    `counted`: what they were, if they are restated; `before`: the memory ahead of the hour.
    """
    anew = {(each.name, each.version) for each in governed if before.start_ms < each.at_ms <= start_ms}

    def known(name: str, version: str) -> bool:
        return is_known(before.known.get(name, {}), version, start_ms) and (name, version) not in anew

    five = five_of(start_ms, windows, days, counted, known)
    versions = {
        name: {
            version: only_counted(part) if part is not None and known(name, version) else part
            for version, part in each.items()
        }
        for name, each in five.versions.items()
    }
    return replace(five, versions=versions)
