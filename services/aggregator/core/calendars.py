"""Whose days are which: what the stages are told of tenants' calendars."""

from collections.abc import Callable, Iterable
from typing import Final, Protocol

from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.times import DAY_S, SECOND_MS

DaysOf = Callable[[str], TenantDays]
"""Returns the days of a tenant."""


class Calendars(Protocol):
    """What is known of all tenants' calendars: `adapters.governed_calendars`."""

    def require(self, log_ms: int) -> None:
        """Raise unless every calendar is known by which days up to a log time are told."""
        ...

    def days_of(self, since_ms: int) -> DaysOf:
        """Return whose days are which, from `since_ms` on (ms since 1970); before that all are in UTC."""
        ...

    def tenants(self) -> Iterable[str]:
        """Return the tenants that have a calendar of their own."""
        ...


def start_ms(days: TenantDays, length_s: int, at_ms: int) -> int:
    """Return when the window of a length began in which an instant lies; days are the tenant's."""
    return at_ms - at_ms % (length_s * SECOND_MS) if length_s < DAY_S else days.day(at_ms).start_ms


def end_ms(days: TenantDays, length_s: int, began_ms: int) -> int:
    """Return when the window of a length that began then ends; of several days, with the last of them."""
    if length_s < DAY_S:
        return began_ms + length_s * SECOND_MS
    first = days.day(began_ms)
    return first.end_ms if length_s == DAY_S else days.numbered(first.number + length_s // DAY_S - 1).end_ms


def utc_days(tenant: str) -> TenantDays:
    """Return the days of a tenant of whose calendar nothing is known."""
    return UTC_DAYS


class EverybodyIn:
    """`Calendars` where nobody governs: the same days for everybody."""

    def __init__(self, days: TenantDays) -> None:
        self._days = days

    def require(self, log_ms: int) -> None:
        """Nothing is missing."""

    def days_of(self, since_ms: int) -> DaysOf:
        """Return the same days for every tenant."""
        return lambda tenant: self._days

    def tenants(self) -> Iterable[str]:
        """Return nobody, for the days of one tell those of all."""
        return ()


EVERYBODY_IN_UTC: Final = EverybodyIn(UTC_DAYS)
"""Where nobody governs, nor says otherwise."""
