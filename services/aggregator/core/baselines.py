"""Baselines: what a series did in earlier, comparable periods.

Comparable (a slot) means the same class of day, working day or free (weekend, holiday), and for windows shorter than a
day also the same hour, both by the tenant's calendar. Single weekdays would be finer, but then a new tenant had no
baseline for seven weeks.
A period is one occurrence of the slot: an hour of one date for windows shorter than a day, else the window itself.
Hours are those of UTC, so that no window lies in two, and have the name and the day that the local clock shows when
they begin: in Kolkata the hour from 14:30 to 15:30 is 14.
"""

from typing import Final, NamedTuple

from msgspec import Struct

from proofwatch.biometrics.baseline import Baseline
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.times import DAY_MS, DAY_S, HOUR_MS

_KEPT_PERIODS: Final = 28
"""Four weeks of dates at most: long enough to be steady, short enough to follow the trade."""


class Period(NamedTuple):
    """k failures in n trials of the windows that began in one period."""

    start_ms: int
    k: int
    n: int


class BaselineState(Struct, frozen=True, array_like=True):
    """The counted periods of one series and slot, ascending.

    `begun_ms`: only of what a window is compared with, never stored: a governed marker took those before it away.
    """

    periods: tuple[Period, ...] = ()
    begun_ms: int = 0


EMPTY: Final = BaselineState()
FREE_SLOT: Final = 24
"""The first slot of free days."""


class SlotKey(NamedTuple):
    """All metrics of one tenant and segment value ((None, None): the whole tenant) at one window length in one slot."""

    tenant: str
    segment_name: str | None
    segment_value: str | None
    length_s: int
    slot: int


Baselines = dict[SlotKey, dict[str, BaselineState]]
"""Baselines by metric."""


def slot_of(length_s: int, start_ms: int, days: TenantDays) -> int:
    """Return the slot of a window: class of day (0 working day, 1 free) × 24 + hour (0 for a day or longer)."""
    if length_s >= DAY_S:
        return FREE_SLOT * days.day(start_ms).free
    return days.calendar(start_ms).slot(start_ms // HOUR_MS)


def in_slot(state: BaselineState, days: TenantDays, length_s: int, start_ms: int) -> BaselineState:
    """Return the periods that belong into the slot of the window that starts at `start_ms`, by the calendar of then.

    When a tenant gets another calendar, an hour or date may be of another class than the one it was counted in: what
    is no longer comparable does not count any more. The same object if nothing is left out.
    """
    if not state.periods or state.periods[0].start_ms >= days.since_ms(start_ms):
        return state
    slot, calendar = slot_of(length_s, start_ms, days), days.calendar(start_ms)
    kept = tuple(period for period in state.periods if _slot_by(calendar, length_s, period.start_ms) == slot)
    return state if len(kept) == len(state.periods) else BaselineState(kept)


def begun(state: BaselineState, begun_ms: int) -> BaselineState:
    """Return the periods that began with a governed marker or after it; the same object if there were none before."""
    if not state.periods or state.periods[0].start_ms >= begun_ms:
        return state
    return BaselineState(tuple(each for each in state.periods if each.start_ms >= begun_ms), begun_ms)


def _slot_by(calendar: Calendar, length_s: int, start_ms: int) -> int:
    if length_s >= DAY_S:
        return (
            FREE_SLOT * calendar.day(start_ms + DAY_MS // 2).free
        )  # by its middle: it may have begun at another midnight
    return calendar.slot(start_ms // HOUR_MS)


def period_of(length_s: int, start_ms: int) -> int:
    """Return the start of the period that a window belongs to."""
    return start_ms if length_s >= DAY_S else start_ms - start_ms % HOUR_MS


def earlier(state: BaselineState, length_s: int, start_ms: int) -> Baseline:
    """Return the sum of the periods before the one of the window that starts at `start_ms`."""
    own = period_of(length_s, start_ms)
    periods = [period for period in state.periods if period.start_ms < own]
    return Baseline(sum(p.k for p in periods), sum(p.n for p in periods), len(periods))


def counted(state: BaselineState, length_s: int, start_ms: int, revision: int, k: int, n: int) -> BaselineState:
    """Take a window's k failures in n trials into its period.

    A restated day or longer replaces what its earlier revision left. Of shorter windows, of which a period has many,
    only revision 1 counts: what late data adds to them is not worth remembering each of them. Small cells, which stay
    at revision 0, do not count.
    """
    own = period_of(length_s, start_ms)
    mine = next((period for period in reversed(state.periods) if period.start_ms == own), None)
    if length_s < DAY_S and revision != 1:
        return state
    new = Period(own, k, n)
    if mine and length_s < DAY_S:
        new = Period(own, mine.k + k, mine.n + n)
    if new == mine:
        return state
    kept = sorted([*(period for period in state.periods if period is not mine), new])
    return BaselineState(tuple(kept[-_KEPT_PERIODS:]))


def left_out(state: BaselineState, length_s: int, start_ms: int) -> BaselineState:
    """Take back what an earlier revision of an alarmed window of a day or longer had contributed."""
    if length_s < DAY_S or all(period.start_ms != start_ms for period in state.periods):
        return state
    return BaselineState(tuple(period for period in state.periods if period.start_ms != start_ms))
