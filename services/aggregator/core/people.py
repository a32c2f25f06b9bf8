"""People of a month as numbers that name nobody: so that counts are of people where they must be (ADR 0050).

A number is a hash under a salt of the tenant's month. Salts are random and thrown away some months later; from then on
nobody can tell whose a number was, or what it would be in another month. Numbers that happen to agree make people
fewer, never more. Pure.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.entries import Trial

KEPT_MONTHS: Final = 6
"""So long a salt is kept, measured by progress."""
LATE_MONTHS: Final = 3
"""A transaction that is logged later than this after its month is nobody's: its salt may be gone."""
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_BYTES: Final = 8


class Month(NamedTuple):
    """A month of a tenant's own calendar; `number`: months since the year 0."""

    tenant: str
    number: int


@lru_cache(maxsize=1_024)
def month_number(day: int) -> int:
    """Return the month of a day (days since 1970)."""
    at = date.fromordinal(_EPOCH_DAY + day)
    return at.year * 12 + at.month - 1


def plain(tenant: str, subject_ref: str) -> int:
    """Return somebody's number before it is salted, which is never stored."""
    return _number(b"", f"{tenant}\0{subject_ref}".encode("utf-8", "surrogatepass"))


def months_of(trials: Iterable[tuple[str, Trial]], days_of: DaysOf) -> set[Month]:
    """Return the months whose salts are needed, of trials with their tenants."""
    return {month for tenant, trial in trials if (month := _month(tenant, trial, days_of)) is not None}


def salting(salts: Mapping[Month, bytes], days_of: DaysOf) -> Callable[[str, Trial], Trial]:
    """Return what gives a trial the number that is stored; 0 where it came too late for its month."""

    def salted(tenant: str, trial: Trial) -> Trial:
        month = _month(tenant, trial, days_of)
        salt = salts.get(month) if month is not None else None
        person = 0 if salt is None else _number(salt, trial.person.to_bytes(_BYTES, "big", signed=True))
        return trial._replace(person=person)

    return salted


def _month(tenant: str, trial: Trial, days_of: DaysOf) -> Month | None:
    if not trial.person:
        return None
    days = days_of(tenant)
    month = month_number(days.day(trial.occurred_us // 1_000).number)
    late = month_number(days.day(trial.logged_ms).number) - month
    return Month(tenant, month) if late <= LATE_MONTHS else None


def _number(salt: bytes, text: bytes) -> int:
    digest = hashlib.blake2b(text, key=salt, digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True) or 1
