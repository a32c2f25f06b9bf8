"""What an erasure does in Redis: every state and step-up of the person, of every generation.

A lane of the scorer may be about to write what it read before. So the sentinel of the person's partition loses its
position and its claim in the same indivisible step: the lane is refused, begins anew, and catches up from the topic of
subjects, where the tombstones are by then.
"""

import re
from collections.abc import Awaitable
from typing import Any, Final

import redis.asyncio

from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Bus
from proofwatch.events import topics
from services.privacy.adapters.topics import key_of
from services.privacy.core.erasure import Subject

_FORGET: Final = """
if redis.call('HEXISTS', KEYS[1], 'generation') == 1 then
  redis.call('HSET', KEYS[1], 'position', '', 'claim', '')
end
local gone = 0
for i = 2, #KEYS do
  gone = gone + redis.call('DEL', KEYS[i])
end
return gone
"""
_SPECIAL: Final = re.compile(rb"[\\*?\[\]^-]")
_AT_ONCE: Final = 1_000


class RedisCache:
    """Implements `ports.Cache`."""

    def __init__(self, client: redis.asyncio.Redis, bus: Bus) -> None:
        self._client, self._bus = client, bus

    async def forget(self, subject: Subject) -> int:
        """Remove the person's keys. Raises `redis.exceptions.RedisError`."""
        key = key_of(subject)
        count = await self._bus.partitions(topics.TRANSACTIONS)
        sentinels = [b"proofwatch:subjects:1:%s/%d" % (topics.TRANSACTIONS.encode(), each) for each in range(count)]
        for each in sentinels:  # that of another partition, too: topics may have been widened
            await self._client.zrem(each + b":step-ups", key)
        pattern = b"proofwatch:subject:*:" + _SPECIAL.sub(rb"\\\g<0>", key)
        found = {each async for each in self._client.scan_iter(match=pattern, count=_AT_ONCE)}
        keys = [sentinels[partition_of(key, count)], b"proofwatch:step-up:" + key, *sorted(found)]
        reply: Awaitable[Any] = self._client.eval(_FORGET, len(keys), *keys)
        return int(await reply)


class NoCache:
    """Implements `ports.Cache` where there is none, as in standalone mode."""

    async def forget(self, subject: Subject) -> int:
        """There is nothing."""
        return 0
