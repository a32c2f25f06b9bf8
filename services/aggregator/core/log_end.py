"""Where a log ends that has an end, such as a file that is replayed: that nothing comes after it says nothing.

Nobody was silent, no label failed to come, and the day in which it stops was not seen to be within (ADR 0024). What it
holds is judged up to its last record, late truth of it included.
"""

from collections.abc import Callable
from typing import Final

from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.times import HOUR_MS

Heard = Callable[[], int | None]
"""Returns the time of the newest transaction of a log that has an end; None: it goes on, and silence is silence."""
_ALL_BUT_MS: Final = HOUR_MS
"""A day whose last hour is not quite there was seen all the same."""


def goes_on() -> None:
    """Return that the log goes on."""


def silent_until(past_ms: int | None, heard_ms: int | None) -> int | None:
    """Return up to when silence counts, of the time that is past; in ms since 1970."""
    return past_ms if past_ms is None or heard_ms is None else min(past_ms, heard_ms)


def breaks_off(end_ms: int, heard_ms: int | None) -> bool:
    """Return whether the log ends within the window that ends at `end_ms`."""
    return heard_ms is not None and heard_ms < end_ms - _ALL_BUT_MS


def last_day(days: TenantDays, heard_ms: int | None, grace_ms: int) -> int | None:
    """Return the last day at whose closing, `grace_ms` after its end, the log still went on; None: it goes on."""
    return None if heard_ms is None else days.day(heard_ms + _ALL_BUT_MS - grace_ms).number - 1
