"""What a tenant usually does: rates, shapes and volume of the minutes that are more than an hour old.

It grows hour by hour, and what a minute of hour H is compared with are the hours up to H - 2, however late it is looked
at again: so neither batches nor the order of arrival have an influence. Volume and the rates of an hour of the day are
of earlier dates. Minutes while a detector fires are left out of what it compares with, but for seven days only: what
lasts for longer is the way it is now. Older counts weigh half after every 28 days. Hours of the day, and which days
are free, are the tenant's. Governed markers have parts of it begin anew with a whole hour (`real_time.begun`).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.real_time.begun import Begun, begun_by
from services.aggregator.core.real_time.hours import METRICS, Compared, Hour, HourRates, Rate, Sums, Volume
from services.aggregator.core.real_time.minute import Check, Minute
from services.aggregator.core.real_time.shape import Shape, added
from services.aggregator.core.times import HOUR_MS, MINUTE_MS

MATURE_HOURS: Final = 2
MEMORY_DAYS: Final = 28
DATES: Final = 8
"""Of one hour of a class of day: so many are remembered."""
RECENT_HOURS: Final = 48
_BLOCK_MS: Final = 5 * MINUTE_MS
_CHECKS: Final[tuple[Check, ...]] = ("match", "liveness")
PARTS: Final = frozenset((*METRICS, "match_score", "liveness_score", "fta_rate"))
"""The metrics that may begin anew each by itself."""


class Reference(Struct, array_like=True, frozen=True):
    """What is known of a tenant; `hours` are those that a minute may still be too early to be compared with.

    `volumes` by hour of UTC and whether its date is a weekend in UTC, whatever calendar they are then asked by;
    `by_hour` by hour of the tenant's day, and 24 × how often its time zone had changed; `recent`: two days.
    `apart`: totals of the metrics that began anew, of the hours from `begun` on; `total` goes on with what was before.
    """

    first_hour: int | None = None
    total: Sums = Sums()
    by_hour: dict[int, Sums] = {}
    volumes: dict[int, tuple[Volume, ...]] = {}
    recent: tuple[HourRates, ...] = ()
    hours: tuple[Hour, ...] = ()
    match_shape: Shape = Shape()
    liveness_shape: Shape = Shape()
    apart: dict[str, Sums] = {}
    begun: dict[str, int] = {}

    def taken(self, minute: Minute, compared: Compared) -> "Reference":
        """Return the reference with a minute that came after all that are in it; `compared`: what counts of it."""
        hour, block = minute.start_ms // HOUR_MS, minute.start_ms // _BLOCK_MS
        *before, last = self.hours or (Hour(hour),)
        if last.hour != hour:
            before, last = [*before, last], Hour(hour)
        in_block = minute.transactions + (last.in_block if last.block == block else 0)
        last = Hour(
            hour,
            last.transactions + minute.transactions,
            max(last.peak, in_block),
            block,
            in_block,
            last.sums.plus(compared.sums),
            added(last.match_bins, compared.match_bins),
            added(last.liveness_bins, compared.liveness_bins),
        )
        first = hour if self.first_hour is None else self.first_hour
        return replace(self, first_hour=first, hours=(*before, last))

    @property
    def newest(self) -> int:
        """Return the newest hour in the totals; -1: there is none."""
        return self.recent[-1].hour if self.recent else -1

    def absorbed(self, hour: int, days: TenantDays, markers: Sequence[GovernedMarker] = ()) -> "Reference":
        """Return the reference with the hours in its totals with which every minute from `hour` on is compared."""
        old = self.mature(hour)
        if not old:
            return self
        anew = self._begins(old[-1].hour, markers)
        by_hour, volumes = {key: sums.without(anew) for key, sums in self.by_hour.items()}, dict(self.volumes)
        for each in old:
            calendar, slot = days.calendar(each.hour * HOUR_MS), UTC_CALENDAR.slot(each.hour)
            mine = of_day(days, each.hour)
            before = by_hour.get(mine, Sums())
            by_hour[mine] = (before.halved() if each.hour // 24 % MEMORY_DAYS == 0 else before).plus(
                each.sums.without(_later(anew, each.hour))
            )
            known = (*volumes.get(slot, ()), Volume(each.hour, each.transactions, each.peak))
            # the last dates of a class; where that is another class than UTC's, all dates that may be asked for
            volumes[slot] = known[-(DATES if calendar == UTC_CALENDAR else MEMORY_DAYS) :]
        newest = old[-1].hour
        by_hour = {key: sums for key, sums in by_hour.items() if key >= of_day(days, newest - 48) // 24 * 24}
        recent = (*self.recent, *(HourRates(each.hour, {m: each.sums.rate(m) for m in METRICS}) for each in old))
        if anew:
            recent = tuple(
                HourRates(at, rates | dict.fromkeys(_later(anew, at) & rates.keys(), Rate())) for at, rates in recent
            )
        total, left = grown(self.total, old), self.hours[len(old) :]
        match, liveness = (self.shape(check, old, anew.get(f"{check}_score")) for check in _CHECKS)
        apart = {metric: grown(sums, old) for metric, sums in self.apart.items() if metric not in anew}
        apart |= {metric: grown(Sums(), since(old, first)) for metric, first in anew.items()}
        return Reference(
            self.first_hour, total, by_hour, volumes, recent[-RECENT_HOURS - 1 :], left, match, liveness, apart,
            {**self.begun, **anew},
        )  # fmt: skip

    def _begins(self, newest: int, markers: Sequence[GovernedMarker]) -> dict[str, int]:
        """Return the metrics that begin anew between the hours in the totals and `newest`, and with which hour."""
        if not markers or not self.recent:
            return {}
        found = begun_by(markers, newest * HOUR_MS)
        return {metric: first for metric, first in found.items() if metric in PARTS and first > self.newest}

    def mature(self, hour: int) -> list[Hour]:
        """Return the hours beside the totals with which a minute of that hour is compared."""
        return [each for each in self.hours if each.hour <= hour - MATURE_HOURS]

    def shape(self, check: Check, hours: Sequence[Hour], first: int | None = None) -> Shape:
        """Return how scores are usually distributed, with these further hours; `first`: of which all is that counts."""
        shape = self.match_shape if check == "match" else self.liveness_shape
        if first is not None:
            shape, hours = Shape(), since(hours, first)
        for each in hours:
            if each.hour % (24 * MEMORY_DAYS) == 0:
                shape = shape.halved()
            shape = shape.grown(each.hour // 24, each.bins(check))
        return shape


def since(hours: Iterable[Hour], first: int) -> list[Hour]:
    """Return the hours from `first` on."""
    return [each for each in hours if each.hour >= first]


def _later(anew: Begun, hour: int) -> set[str]:
    """Return the metrics that begin anew after an hour."""
    return {metric for metric, first in anew.items() if hour < first}


def of_day(days: TenantDays, hour: int) -> int:
    """Return the hour of the tenant's day, and 24 × how often its time zone had changed."""
    at_ms = hour * HOUR_MS
    return 24 * days.zones_before(at_ms) + days.calendar(at_ms).slot(hour) % 24


def grown(total: Sums, hours: Iterable[Hour]) -> Sums:
    """Return totals with further hours; they weigh half after every 28 days."""
    for each in hours:
        if each.hour % (24 * MEMORY_DAYS) == 0:
            total = total.halved()
        total = total.plus(each.sums)
    return total
