"""What was removed or left out, by tenant: as the database has added it up, restarts and all."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.pool import session
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.metric_catalogue import LABELS_OF_ERASED, REMOVED_ROWS

_REMOVED: Final = {
    "ledger": (
        "ledger.transactions",
        "select tenant, sum(rows)::bigint from ledger.removed group by tenant order by tenant",
    ),
    "windows": (
        "windows.buckets",
        "select tenant, sum(rows)::bigint from windows.removed_by_tenant group by tenant order by tenant",
    ),
}

_OF_ERASED: Final = "select aspect, sum(n)::bigint from ledger.labels_of_erased group by 1 order by 1"


class RemovedRows:
    """A look at what is written down in the transactions that remove: what was rolled back is not counted."""

    def __init__(self, fence: PostgresFence) -> None:
        self._fence = fence
        self._table, self._query = _REMOVED[fence.schema]

    async def sample(self) -> Sequence[Sample]:
        """Ask the database. Raises `DatabaseAway`."""
        async with session(self._fence.pool, f"{self._fence.schema} removed") as connection:
            rows = await connection.fetch(self._query)
        return [Sample(REMOVED_ROWS.name, (tenant, self._table), count) for tenant, count in rows]


class LabelsOfErased:
    """A look at the labels of people who were erased, which are joined with nothing."""

    def __init__(self, fence: PostgresFence) -> None:
        self._fence = fence

    async def sample(self) -> Sequence[Sample]:
        """Ask the database. Raises `DatabaseAway`."""
        async with session(self._fence.pool, f"{self._fence.schema} labels") as connection:
            rows = await connection.fetch(_OF_ERASED)
        return [Sample(LABELS_OF_ERASED.name, (aspect,), count) for aspect, count in rows]
