"""Whether traffic that stops may be a habit that is not known yet: an office that closes, a first free day.

After two weeks habits are known. Until then a stop is taken for one that may be a habit unless

* earlier dates of the same class had traffic at that hour and at those beside it, or
* no such date is known, and the tenant had traffic in each of the eighteen hours before it, all of them of this class
  of day: no office is open for so long; or
* no such date is known, and it stops between two at night and two in the afternoon (noon of a free day) by the
  tenant's clock, when hardly any office closes.
"""

from typing import Final

from services.aggregator.core.real_time.reference import MATURE_HOURS
from services.aggregator.core.real_time.view import View
from services.aggregator.core.times import HOUR_MS, MINUTE_MS

KNOWN_HOURS: Final = 14 * 24
"""So long a quiet evening, weekend or holiday may be the first of its kind."""
_OPEN_HOURS: Final = 18
_OPENS: Final = 2
_CLOSES: Final = (14, 12)
"""From this hour on offices may close, of a working and of a free day."""
_AHEAD_MS: Final = 15 * MINUTE_MS
"""The last visitor may come so long before the doors close."""


def known(view: View, at_ms: int) -> bool:
    """Return whether a tenant is known for long enough to have shown its habits."""
    first = view.reference.first_hour
    return first is not None and at_ms // HOUR_MS - first >= KNOWN_HOURS


def may_close(view: View, at_ms: int) -> bool:
    """Return whether a tenant whose last transaction came then may have closed, as far as its habits are known."""
    hour = (at_ms + _AHEAD_MS) // HOUR_MS
    if view.unlike(hour):
        return True
    if view.seen(hour):
        return not view.least_per_hour(hour)
    free, local = divmod(view.days.calendar(hour * HOUR_MS).slot(hour), 24)
    return not _OPENS <= local < _CLOSES[free] and _open_hours(view, free) < _OPEN_HOURS - MATURE_HOURS


def _open_hours(view: View, free: int) -> int:
    """Return in how many hours without a break, of this class of day, there was traffic as far as they count."""
    traffic = {each.hour for each in view.reference.recent} | {each.hour for each in view.mature}
    hour = last = view.hour - MATURE_HOURS
    while hour in traffic and view.days.calendar(hour * HOUR_MS).slot(hour) // 24 == free:
        hour -= 1
    return last - hour
