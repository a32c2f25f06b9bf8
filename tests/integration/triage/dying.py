"""A process that makes clusters and is killed before the given statement: `python -m ... DSN STATEMENT`."""

import asyncio
import os
import signal
import sys
from typing import Any

from proofwatch.bus.postgres.fence import create_pool
from services.triage.adapters import cluster_statements
from services.triage.adapters.cluster_rows import PostgresClusters
from services.triage.adapters.postgres import PostgresCases
from services.triage.handlers.clusters import Clusters


class Dying:
    """A connection whose process is killed before it runs a statement."""

    def __init__(self, tx: Any, statement: str) -> None:
        self._tx, self._statement = tx, statement

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def execute(self, statement: str, *given: Any) -> Any:
        """Run it, unless it is the one."""
        if statement == self._statement:
            os.kill(os.getpid(), signal.SIGKILL)
        return await self._tx.execute(statement, *given)


async def main(dsn: str, name: str) -> None:
    """Make clusters, up to the statement."""
    pool = await create_pool(dsn)
    async with pool.acquire() as connection, connection.transaction():
        tx: Any = Dying(connection, getattr(cluster_statements, name))
        await Clusters(PostgresClusters(), PostgresCases(), 3).join(tx)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
