"""On which day it began, what several days together show: by the counts of each. Pure."""

from math import log
from typing import Final, NamedTuple

from proofwatch.detection.findings import Panel, Slice, Tables, length_s, metrics_of
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of

_BEFORE: Final = 7
"""Days before the window that are looked at: what three days prove may have begun before them."""
_DAY_S: Final = 86_400
_HOUR_MS: Final = 3_600_000


class Day(NamedTuple):
    """A day of the tenant, in ms since 1970."""

    start_ms: int
    end_ms: int


def days_of(window: Anomaly) -> list[Panel]:
    """Return the days of a window of several, and those before it, as windows are known by; () of any other.

    A day of 23 or 25 hours is published with the length of others, and moves the midnights before it by an hour.
    """
    if length_s(window) < 1.5 * _DAY_S:
        return []
    last_ms = ms_of(window.window_end)
    many = round(length_s(window) / _DAY_S) + _BEFORE
    return [
        Panel(metric, _DAY_S, last_ms - day * _DAY_S * 1000 + moved)
        for day in range(many, 0, -1)
        for moved in (-_HOUR_MS, 0, _HOUR_MS)
        for metric in metrics_of(window)
    ]


def likeliest_day(window: Anomaly, where: Slice, tables: Tables) -> Day | None:
    """Return the day from which on the slice's counts are most unlike what was expected; None: none is known.

    The maximum likelihood estimate of a change to an unknown rate, of Poisson counts: the largest K·ln(K/E) − (K − E)
    of the days from one on, K being their failures and E those expected.
    """
    best, most, k, expected = None, 0.0, 0, 0.0
    end_ms = ms_of(window.window_end)
    for day in reversed(days_of(window)):
        known = tables.get(day, {}).get(where)
        if known is None:
            continue
        k, expected = k + known[0], expected + known[1] * window.baseline_rate
        gain = k * log(k / expected) - (k - expected) if k > expected > 0 else 0.0
        if gain > most and known[0]:
            best, most = Day(day.start_ms, end_ms), gain
        end_ms = day.start_ms
    return best
