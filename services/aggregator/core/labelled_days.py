"""When labelled days close, and which of their rates are watched."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from proofwatch.events.types import Figure, Window
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.baselines import SlotKey, slot_of
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.series import WindowRef
from services.aggregator.core.times import HOUR_MS

WATCHED: Final = ("fmr", "fnmr", "apcer", "bpcer")
"""`apcer` is the headline: its baseline is what the worst species was on earlier days."""


class Schedule(NamedTuple):
    """When a labelled day closes, and from when on it is backfill."""

    grace_hours: int
    alert_horizon_hours: int

    def last_closed(self, progress_ms: int, days: TenantDays) -> int:
        """Return the last of the tenant's days (by its date, since 1970) whose end plus grace is passed."""
        return self.known_on(progress_ms, days) - 1

    def closes_next(self, progress_ms: int, days: TenantDays) -> int:
        """Return the progress by which the next of the tenant's days closes."""
        return days.day(progress_ms - self.grace_hours * HOUR_MS).end_ms + self.grace_hours * HOUR_MS

    def known_on(self, seen_ms: int, days: TenantDays) -> int:
        """Return the day that closes next when a lane is at `seen_ms`: what comes then counts from its closing on."""
        return days.day(seen_ms - self.grace_hours * HOUR_MS).number

    def backfill(self, day: int, seen_ms: int, days: TenantDays) -> bool:
        """Return whether what came when its lane was at `seen_ms` came too late: the day could have closed longer ago
        than the alert horizon.
        """
        due_ms = days.numbered(day).end_ms + self.grace_hours * HOUR_MS
        return seen_ms - due_ms > self.alert_horizon_hours * HOUR_MS


class Closed(NamedTuple):
    """The last day that is closed: of the tenants that have a calendar of their own, and of all others."""

    others: int
    own: Mapping[str, int] = MappingProxyType({})

    def of(self, tenant: str) -> int:
        """Return that of a tenant."""
        return self.own.get(tenant, self.others)


def least_progress(lanes: Iterable[int | None]) -> int | None:
    """Return the least progress over all lanes that there must be; None while one has none."""
    found = list(lanes)
    known = [each for each in found if each is not None]
    return min(known) if known and len(known) == len(found) else None


def slot_of_day(window: Window, days_of: DaysOf) -> SlotKey:
    """Return the row of baselines that a labelled day is judged by."""
    slot = slot_of(window.length_s, ms_of(window.start), days_of(window.tenant))
    return SlotKey(window.tenant, window.segment_name, window.segment_value, window.length_s, slot)


def window_of_day(window: Window) -> WindowRef:
    """Return which window it is."""
    return WindowRef(ms_of(window.start), ms_of(window.end), window.revision, window.backfill)


def watched(window: Window) -> list[Figure]:
    """Return the rates that are judged."""
    return [figure for figure in window.figures if figure.metric in WATCHED]
