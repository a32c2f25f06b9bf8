"""Subjects' states in Redis: one value per subject, and one round trip per batch for all of them.

Redis is written after the commit on the bus, and only where it stands exactly at the batch's first position: the
sentinel of each partition says so. A crash in between leaves it behind, FLUSHALL or a failover leave it lost or
further behind; either way it is caught up from the subjects topic before anything is decided
(`handlers/subject_states.py`). Keys:

- `proofwatch:subjects:1:topic/partition`: the sentinel; the 1 is the version of what is kept.
- `proofwatch:subject:generation:tenant/subject_ref`: a state, as in the topic.
- `proofwatch:step-up:tenant/subject_ref`: for upstream, see `RedisSubjects`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

import msgspec
import redis.asyncio
from redis.commands.core import AsyncScript
from redis.exceptions import AuthenticationError, RedisError

from proofwatch.bus.records import TopicPartition
from proofwatch.events.types import Mfa, SubjectState
from services.scorer.adapters import redis_scripts as scripts
from services.scorer.ports import Applied, Changes, Sentinel, SubjectsBehind, SubjectsUnavailable

_lengths = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[list[int], list[str]]).decode  # cmsgpack knows no bytes; states are JSON
_read = msgspec.json.Decoder(SubjectState).decode
_json = msgspec.json.Encoder().encode
_NO_CHANGES: Final[Changes] = {}


class RedisSubjects:
    """Implements `ports.Subjects`; a state lives `ttl_s` seconds after it was last written.

    Upstream looks a user's step-up up under `proofwatch:step-up:tenant/subject_ref`: JSON with `control_id`, `since`
    and `until` (RFC 3339), which goes when the step-up ends or is turned off.
    """

    def __init__(self, client: redis.asyncio.Redis, ttl_s: int, timeout_s: float = 5.0) -> None:
        """`timeout_s`: a batch waits no longer than so many seconds for Redis; then `SubjectsUnavailable`."""
        self._client = client
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._sentinel = client.register_script(scripts.SENTINEL)
        self._claim = client.register_script(scripts.CLAIM)
        self._fill = client.register_script(scripts.FILL)
        self._exchange = client.register_script(scripts.EXCHANGE)

    async def sentinel(self, source: TopicPartition) -> Sentinel | None:
        """Return where the partition's store is; None: there is none."""
        kept: Any = await self._run(self._sentinel, source, [])
        if kept is None:
            return None
        generation, position, claim, mark, age_s = kept
        return Sentinel(generation.decode(), int(position) if position else None, claim.decode(), int(mark), age_s)

    async def claim(self, source: TopicPartition, seen: Sentinel | None, *, anew: bool) -> Sentinel:
        """Begin a catch-up. Raises `SubjectsBehind`."""
        name = uuid4().hex
        was = (seen.generation, "" if seen.position is None else seen.position, seen.claim) if seen else ("", "", "")
        begins = anew or seen is None
        if not await self._run(self._claim, source, [*was, name, "anew" if begins else ""]):
            raise _overtaken(source)
        return Sentinel(name, None, name, 0, 0.0) if begins or not seen else seen._replace(position=None, claim=name)

    async def fill(
        self, source: TopicPartition, claim: Sentinel, changes: Changes, mark: int, position: int | None = None
    ) -> None:
        """Apply records of the subjects partition. Raises `SubjectsBehind`."""
        args = [claim.claim, self._ttl_s, *_changes(changes), mark, "" if position is None else position]
        if not await self._run(self._fill, source, args):
            raise _overtaken(source)

    async def exchange(
        self, source: TopicPartition, position: int, applied: Applied | None, subjects: Collection[bytes]
    ) -> dict[bytes, SubjectState]:
        """Apply what the batch before changed, and return the states of those `subjects` that have one."""
        asked = list(subjects)
        before, changes, mark = (
            (applied.position_before, applied.changes, applied.mark) if applied else ("", _NO_CHANGES, None)
        )
        args = [position, before, self._ttl_s, *_changes(changes), "" if mark is None else mark, *_pack(asked)]
        reply: Any = await self._run(self._exchange, source, args)
        if reply is None:
            raise SubjectsBehind(f"{source.topic}/{source.partition}: Redis is not at {position}, where the lane is")
        places, states = _unpack(reply)
        return {asked[place]: _read(state) for place, state in zip(places, states, strict=True)}

    async def ping(self) -> None:
        """Make sure that Redis answers and evicts nothing."""
        memory: Any = await self._call(self._client.info("memory"))
        if memory.get("maxmemory") and memory.get("maxmemory_policy") != "noeviction":
            raise SubjectsUnavailable(
                f"Redis may evict states to make room (maxmemory-policy {memory.get('maxmemory_policy')}), which "
                "nobody would notice: set it to noeviction"
            )

    async def close(self) -> None:
        """Release the connections; idempotent."""
        await self._client.aclose()

    async def _run(self, script: AsyncScript, source: TopicPartition, args: list[Any]) -> object:
        name = b"proofwatch:subjects:1:%s/%d" % (source.topic.encode(), source.partition)
        return await self._call(script(keys=[name, name + b":step-ups"], args=args))

    async def _call(self, reply: Awaitable[object]) -> object:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await reply
        except AuthenticationError as error:
            raise SubjectsUnavailable(
                "Redis refuses the user or the password of PROOFWATCH_REDIS_URL; nothing is decided until it is right"
            ) from error
        except (RedisError, OSError, TimeoutError) as error:
            if isinstance(error.__cause__, ssl.SSLError) or "SSL" in str(error):
                raise SubjectsUnavailable(
                    "Redis does not speak TLS as asked, or its certificate is not trusted: check rediss:// and "
                    "ssl_ca_certs in PROOFWATCH_REDIS_URL; nothing is decided until then"
                ) from error
            raise SubjectsUnavailable(
                f"Redis does not serve the subjects' states ({type(error).__name__}): see that PROOFWATCH_REDIS_URL is "
                "right and Redis is up with free memory; nothing is decided until then"
            ) from error


def _overtaken(source: TopicPartition) -> SubjectsBehind:
    return SubjectsBehind(f"{source.topic}/{source.partition}: another owner has begun to catch up")


def _pack(items: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return a list as the scripts take it: lengths, and everything end to end."""
    return _lengths(list(map(len, items))), b"".join(items)


def _changes(changes: Changes) -> tuple[bytes, bytes]:
    items: list[bytes] = []
    for subject, change in changes.items():
        if change is None:
            items += (subject, b"", b"", b"")
        elif change.step_up is None:
            items += (subject, change.value, b"", b"")
        else:
            items += (subject, change.value, _step_up(change.step_up), b"%d" % change.step_up.until_ms)
    return _pack(items)


def _step_up(step_up: Mfa) -> bytes:
    since, until = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (step_up.since_ms, step_up.until_ms))
    return _json({"control_id": step_up.control_id, "since": since, "until": until})
