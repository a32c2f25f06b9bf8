"""Keeps what is counted of segment values within their places, and raises an alert when they do not suffice."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.identity import derived_id
from proofwatch.events.topics import PLATFORM_ALERTS
from proofwatch.events.types import Cell, PlatformAlert
from proofwatch.instants import instant_of
from services.aggregator.core.segment_values import OTHER, Admitted, Overflow, capped
from services.aggregator.core.times import DAY_MS
from services.aggregator.ports.watches import SegmentValuesStore

_AT_HAND: Final = 2_000
"""Tenants whose values are kept in memory."""
_SERVICE: Final = "windows"


class Placed(NamedTuple):
    """Cells as they are to be counted, and alerts that began or ended."""

    cells: list[Cell]
    alerts: list[Outgoing]


class SegmentPlaces:
    """Gives segment values their places, and stores who has one."""

    def __init__(self, store: SegmentValuesStore) -> None:
        self._store = store

    async def capped(
        self, cells: Iterable[Cell], known: dict[str, Admitted], partition: int, at_ms: int | None, tx: Any
    ) -> Placed:
        """Return the cells as they are to be counted; `known`: what a partition has in hand, which is updated."""
        together = list(cells)
        tenants = {each.tenant for each in together}
        if missing := tenants - known.keys():
            if len(known) > _AT_HAND:
                for tenant in known.keys() - tenants:
                    del known[tenant]
            known |= await self._store.load_values(tx, missing)
        found = capped(together, known)
        await self._store.save_values(tx, partition, {tenant: known[tenant] for tenant in found.changed})
        return Placed(found.cells, [_alert(each, known[each.tenant], at_ms) for each in found.overflows])


def _alert(found: Overflow, admitted: Admitted, at_ms: int | None) -> Outgoing:
    since_ms, counted = found.since_day * DAY_MS, len(admitted.values.get(found.name, ()))
    summary = (
        f"{found.name} of tenant {found.tenant} has values for each of its {counted:,} places again."
        if found.over
        else f"{found.name} of tenant {found.tenant} has more values than are counted each by itself ({counted:,}); "
        f"further ones are counted as {OTHER}. Does upstream send a build, or an id, for each handset?"
    )
    alert = PlatformAlert(
        schema_version=1,
        alert_id=derived_id("platform_alert", _SERVICE, "segment_values", found.tenant, found.name, found.since_day),
        state="resolved" if found.over else "firing",
        severity="info" if found.over else "warning",
        service=_SERVICE,
        kind="health",
        raised_at=instant_of(since_ms if at_ms is None else at_ms),
        summary=summary,
        values={"segment_values_counted": float(counted)},
    )
    return Outgoing(PLATFORM_ALERTS, _SERVICE.encode(), PLATFORM_ALERT.encode(alert), None, at_ms)
