"""A process that goes on with an erasure and is killed (SIGKILL, by itself) just before its n-th act.

`python -m tests.integration.privacy.dying DSN BOOTSTRAP REDIS ERASURE N`; exit code 0: it came to the end before.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

from redis.asyncio import Redis

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.privacy.key_encryption import EpochKeys
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.clock import SystemClock
from services.privacy.adapters.cache import RedisCache
from services.privacy.adapters.requests import PostgresRequests
from services.privacy.adapters.steps import PostgresSteps
from services.privacy.adapters.topics import BusTopics
from services.privacy.handlers.erasing import Erasing
from tests.integration.privacy.house import KEYS, SECRET


class Counter:
    """Counts down; at nought the process is gone, without a word."""

    def __init__(self, left: int) -> None:
        self.left = left

    def strike(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Die before a call of a method."""
        real: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def counted(*args: Any, **how: Any) -> Any:
            self.strike()
            return await real(*args, **how)

        setattr(owner, name, counted)


async def main(dsn: str, bootstrap: str, redis_url: str, erasure_id: str, left: int) -> None:
    pool, bus, client = await create_pool(dsn), KafkaBus(bootstrap, "erase"), Redis.from_url(redis_url)
    await bus.start()
    keys, counter = EpochKeys(KEYS), Counter(left)
    steps, topics, cache = PostgresSteps(pool, PostgresKeys(keys)), BusTopics(bus), RedisCache(client, bus)
    for owner, name in (
        (topics, "announce"), (topics, "tombstone"), (cache, "forget"), (steps, "unlink"), (steps, "done"),
        (steps, "settle"),
    ):  # fmt: skip
        counter.around(owner, name)

    def by(at: datetime) -> date:
        return at.date()

    requests = PostgresRequests(pool, keys)
    erasing = Erasing(pool, requests, steps, topics, cache, SECRET, by, SystemClock())
    await erasing.run(erasure_id, lambda step, figures: counter.strike())  # behind each commit
    await bus.stop()
    await client.aclose()
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], int(sys.argv[5])))  # type: ignore[call-arg, arg-type]
