"""When labelled days close, and which of their rates are watched."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from proofwatch.events.types import Figure, Window
from proofwatch.instants import ms_of
from services.aggregator.core.baselines import SlotKey, slot_of
from services.aggregator.core.calendars import DaysOf, utc_days
from services.aggregator.core.series import WindowRef
from services.aggregator.core.times import DAY_MS, HOUR_MS

WATCHED: Final = ("fmr", "fnmr", "apcer", "bpcer")
"""`apcer` is the headline: its baseline is what the worst species was on earlier days."""


class Schedule(NamedTuple):
    """When a labelled day closes, and from when on it is backfill."""

    grace_hours: int
    alert_horizon_hours: int

    def last_closed(self, progress_ms: int) -> int:
        """Return the last day (days since 1970) whose end plus grace is passed."""
        return (progress_ms - self.grace_hours * HOUR_MS) // DAY_MS - 1

    def known_on(self, seen_ms: int) -> int:
        """Return the day that closes next when a lane is at `seen_ms`: what comes then counts from its closing on."""
        return self.last_closed(seen_ms) + 1

    def backfill(self, day: int, seen_ms: int) -> bool:
        """Return whether what came when its lane was at `seen_ms` came too late: the day could have closed longer ago
        than the alert horizon.
        """
        due_ms = (day + 1) * DAY_MS + self.grace_hours * HOUR_MS
        return seen_ms - due_ms > self.alert_horizon_hours * HOUR_MS


def least_progress(lanes: Iterable[int | None]) -> int | None:
    """Return the least progress over all lanes that there must be; None while one has none."""
    found = list(lanes)
    known = [each for each in found if each is not None]
    return min(known) if known and len(known) == len(found) else None


def slot_of_day(window: Window, days_of: DaysOf = utc_days) -> SlotKey:
    """Return the row of baselines that a labelled day is judged by."""
    slot = slot_of(window.length_s, ms_of(window.start), days_of(window.tenant))
    return SlotKey(window.tenant, window.segment_name, window.segment_value, window.length_s, slot)


def window_of_day(window: Window) -> WindowRef:
    """Return which window it is."""
    return WindowRef(ms_of(window.start), ms_of(window.end), window.revision, window.backfill)


def watched(window: Window) -> list[Figure]:
    """Return the rates that are judged."""
    return [figure for figure in window.figures if figure.metric in WATCHED]
