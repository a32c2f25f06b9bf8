"""Attempts in Redis: one value per subject, one round trip per batch to read and one to write.

Redis is written before the batch is committed on the bus. A crash between the two leaves entries of a batch that
will be judged again; they lie at or above the position it starts from, so they are not seen, and they are replaced
by the same ones. A frozen owner that wakes up may write late: its values are stamped with the positions of its batch
and lose against those of a later batch. Redis may lose what it acknowledged (a failover, FLUSHALL): subjects then
start anew, which shows in `basis.attempts_before` of their verdicts.
"""

import asyncio
from collections.abc import Awaitable, Collection, Mapping
from typing import Final, cast

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from proofwatch.bus.port import Batch, TopicPartition
from proofwatch.events.types import Attempt
from services.scorer.core.attempts import History
from services.scorer.ports import AttemptsUnavailable

_STAMP: Final = 32
# A value is 2 × 16 hex digits (position before and after the batch) and the entries in MessagePack. Of two stamps the
# greater text is the later one. ARGV: seconds to live, then one value per key.
_SAVE: Final = """
for i, key in ipairs(KEYS) do
  local kept = redis.call('GETRANGE', key, 0, 31)
  if kept <= string.sub(ARGV[i + 1], 1, 32) then
    redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1])
  end
end
"""
_decode = msgspec.msgpack.Decoder(tuple[Attempt, ...]).decode
_encode = msgspec.msgpack.Encoder().encode


class RedisAttempts:
    """Implements `ports.Attempts`; a value lives `ttl_s` seconds after it was last written.

    Keys are `proofwatch:attempts:{topic/partition}:tenant/subject_ref`; the braces keep a partition on one node of a
    cluster.
    """

    def __init__(self, client: redis.asyncio.Redis, ttl_s: int, timeout_s: float = 5.0) -> None:
        """`timeout_s`: a batch waits no longer than so many seconds for Redis; then `AttemptsUnavailable`."""
        self._client = client
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._save = client.register_script(_SAVE)

    async def load(self, source: TopicPartition, subjects: Collection[bytes]) -> dict[bytes, History]:
        """Return the histories of those `subjects` that have one. Raises `AttemptsUnavailable`."""
        if not subjects:
            return {}
        prefix = _prefix(source)
        values = await self._call("read", self._client.mget([prefix + subject for subject in subjects]))
        found = zip(subjects, cast("list[bytes | None]", values), strict=True)
        return {subject: _decode(memoryview(value)[_STAMP:]) for subject, value in found if value is not None}

    async def save(self, batch: Batch, changes: Mapping[bytes, History]) -> None:
        """Replace these histories, except those written for a later batch. Raises `AttemptsUnavailable`."""
        if not changes:
            return
        prefix, stamp = _prefix(batch.source), b"%016x%016x" % (batch.position_before, batch.position_after)
        keys = [prefix + subject for subject in changes]
        values = [stamp + _encode(history) for history in changes.values()]
        await self._call("written", self._save(keys=keys, args=[self._ttl_s, *values]))

    async def ping(self) -> None:
        """Make sure that Redis answers. Raises `AttemptsUnavailable`."""
        await self._call("reached", self._client.ping())

    async def close(self) -> None:
        """Release the connections; idempotent."""
        await self._client.aclose()

    async def _call(self, what: str, reply: Awaitable[object]) -> object:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await reply
        except (RedisError, OSError, TimeoutError) as error:
            raise AttemptsUnavailable(
                f"attempts cannot be {what} in Redis ({type(error).__name__}): see that PROOFWATCH_REDIS_URL is right "
                "and Redis is up with free memory; nothing is decided until then"
            ) from error


def _prefix(source: TopicPartition) -> bytes:
    return b"proofwatch:attempts:{%s/%d}:" % (source.topic.encode(), source.partition)
