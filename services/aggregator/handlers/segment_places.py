"""Keeps what is counted of segment values within their places, and says so when they do not suffice."""

from collections.abc import Iterable
from typing import Any, Final

import structlog

from proofwatch.events.types import Cell
from proofwatch.runtime.conditions import Condition
from services.aggregator.core.segment_values import OTHER, Admitted, capped
from services.aggregator.ports.watches import SegmentValuesStore

_AT_HAND: Final = 2_000
"""Tenants whose values are kept in memory."""
_log = structlog.get_logger(__name__)
_beyond = Condition(_log, "segment_values_beyond_cap")


class SegmentPlaces:
    """Gives segment values their places, and stores who has one."""

    def __init__(self, store: SegmentValuesStore) -> None:
        self._store = store

    async def capped(self, cells: Iterable[Cell], known: dict[str, Admitted], partition: int, tx: Any) -> list[Cell]:
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
        if found.beyond:
            (tenant, segment), _ = found.beyond.most_common(1)[0]
            _beyond.holds(
                tenant=tenant,
                segment=segment,
                counted_as=OTHER,
                cells=found.beyond.total(),
                reason="more values than are counted each by itself; does the SDK send its build, or a handset's id?",
            )
        return found.cells
