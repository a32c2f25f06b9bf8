"""How many records of a schema's outbox are not published yet."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.pool import session
from proofwatch.bus.postgres.setup import in_schema
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.metric_catalogue import OUTBOX_RECORDS

_DEPTH: Final = """
select coalesce(sum(f.outbox_seq - coalesce(r.position, 0)), 0)::bigint from {schema}.fence f
left join {schema}.outbox_relay r on r.source_topic = f.topic and r.source_partition = f.partition
"""


class OutboxDepth:
    """A look at the positions of writer and relay, a dozen rows; the outbox itself is not read."""

    def __init__(self, fence: PostgresFence) -> None:
        self._fence = fence
        self._depth = in_schema(_DEPTH, fence.schema)

    async def sample(self) -> Sequence[Sample]:
        """Ask the database. Raises `DatabaseAway`."""
        async with session(self._fence.pool, f"{self._fence.schema} outbox depth") as connection:
            depth: int = await connection.fetchval(self._depth)
        return [Sample(OUTBOX_RECORDS.name, (self._fence.schema,), depth)]
