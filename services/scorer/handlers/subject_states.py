"""Subjects' states, partition by partition: caught up when a lane opens, then one exchange a batch.

The truth is the compacted subjects topic, written in the scorer's own transactions. The store is a cache, written
after the commit: a lane goes on only from a committed position, so when a batch begins, the one before it is
committed, and its changes are applied in the same round trip in which the batch's subjects are read.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Final, Protocol

import structlog

from proofwatch.bus.errors import Blocked
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import SUBJECTS
from proofwatch.events.types import SubjectState
from services.scorer.core.subject import decode, encode, is_empty, settled
from services.scorer.ports import Applied, Change, Sentinel, Subjects, SubjectsBehind

STALE_S: Final = 12 * 3600.0
"""How long after it was at the end of the topic a store may still be caught up: Kafka keeps a tombstone for 24 hours
(delete.retention.ms) at least; one that was compacted away would leave a cleared subject uncleared."""

_CHUNK: Final = 2_000
_SAY_EVERY: Final = 100_000
_log = structlog.get_logger(__name__)


class Log(Protocol):
    """What of the bus is needed to catch up."""

    def read(self, source: TopicPartition, position: int = 0) -> AsyncIterator[Record]:
        """Yield the committed records from `position` to the end at the time of the call."""
        ...

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the end offset of every partition."""
        ...


class SubjectStates:
    """What a stage needs of its subjects. For each partition: `opened`, then for each batch `load` and `changed`."""

    def __init__(self, log: Log, store: Subjects, topic: str = SUBJECTS, chunk: int = _CHUNK) -> None:
        """`chunk`: how many subjects a catch-up writes to the store at a time."""
        self._log = log
        self._store = store
        self._topic = topic
        self._chunk = chunk
        self._ends: Mapping[int, int] = {}
        self._applied: dict[TopicPartition, Applied] = {}

    async def opened(self, source: TopicPartition, position: int) -> None:
        """Catch the store up to `position`. Raises `SubjectsUnavailable`, `SubjectsBehind`, or what the log raises."""
        self._applied.pop(source, None)
        await catch_up(source, position, self._log, self._store, self._topic, self._chunk)

    async def load(self, batch: Batch, subjects: Collection[bytes]) -> dict[bytes, SubjectState]:
        """Return the states, just before `batch`, of those `subjects` that have one; apply the batch before it.

        An idle batch applies too. Raises `SubjectsUnavailable`, `SubjectsBehind`.
        """
        source, position = batch.source, batch.position_before
        applied = self._applied.get(source)
        if applied:
            if applied.position_after != position:
                raise SubjectsBehind(f"{_where(source)}: a batch at {position} follows one to {applied.position_after}")
            applied = applied._replace(mark=self._ends.get(source.partition))
        states = {}
        if applied or subjects:
            states = await self._store.exchange(source, position, applied, subjects)
            self._applied.pop(source, None)
        if batch.position_after > position:
            self._applied[source] = Applied(position, batch.position_after, batch.progress_ms or 0, {})
        return {subject: settled(state, position) for subject, state in states.items()}

    def changed(self, batch: Batch, states: Mapping[bytes, SubjectState]) -> list[Outgoing]:
        """Return the records of the changed `states`, as they are after `batch`; a tombstone where nothing is left.

        They belong into the batch's transaction; the next `load` applies them to the store.
        """
        changes: dict[bytes, Change | None] = {}
        outputs, partition = [], batch.source.partition
        for subject, state in states.items():
            left = settled(state, batch.position_after)
            change = None if is_empty(left) else Change(encode(left), left.step_up)
            changes[subject] = change
            outputs.append(Outgoing(self._topic, subject, change and change.value, partition))
        if changes:
            self._applied[batch.source] = self._applied[batch.source]._replace(changes=changes)
        return outputs

    def closed(self, source: TopicPartition) -> None:
        """Forget the partition; whoever opens it next catches up."""
        self._applied.pop(source, None)

    async def look(self) -> None:
        """Note the ends of the subjects topic, so that a later catch-up has less to read; every minute or so."""
        self._ends = await self._log.ends(self._topic)


async def catch_up(
    source: TopicPartition, position: int, log: Log, store: Subjects, topic: str = SUBJECTS, chunk: int = _CHUNK
) -> None:
    """Bring the store of `source` to `position`, the committed one; the partition must be fenced.

    Reads what the subjects topic has beyond the store's mark, or all of it when the store is lost, too old, or of
    another log; memory stays bounded. Raises `Blocked` when the newest record of a subject cannot be read.
    """
    seen = await store.sentinel(source)
    if seen and seen.position == position:
        return
    at = TopicPartition(topic, source.partition)
    end = (await log.ends(topic)).get(source.partition, 0)
    reason = why_anew(seen, position, end)
    claim = await store.claim(source, seen, anew=reason is not None)
    say = _log.bind(topic=source.topic, partition=source.partition)
    say.info("subjects_catching_up", anew=reason, mark=claim.mark, end=end, position=position)
    mark, count = claim.mark, 0
    changes: dict[bytes, Change | None] = {}
    unreadable: dict[bytes, tuple[int, Rejected]] = {}  # without those that a later record replaces
    async for record in log.read(at, mark):
        if record.key is not None:
            unreadable.pop(record.key, None)
            try:
                changes[record.key] = _change(record)
            except Rejected as error:
                changes.pop(record.key, None)
                unreadable[record.key] = record.offset, error
        mark, count = record.offset + 1, count + 1
        if len(changes) >= chunk:
            # a later catch-up must meet again what could not be read
            await store.fill(source, claim, changes, min([mark, *(offset for offset, _ in unreadable.values())]))
            changes = {}
        if count % _SAY_EVERY == 0:
            say.info("subjects_catching_up", records=count, mark=mark, end=end)
    if unreadable:
        raise _blocked(at, unreadable)
    kept = await store.sentinel(source)
    if kept and kept.age_s > 2 * STALE_S:
        raise SubjectsBehind(f"{_where(source)}: reading took so long that tombstones may have gone meanwhile")
    await store.fill(source, claim, changes, mark, position)
    say.info("subjects_caught_up", records=count, position=position)


def why_anew(seen: Sentinel | None, position: int, end: int) -> str | None:
    """Return why a store cannot be caught up and must be filled from the beginning; None: it can.

    `end` is that of the subjects partition.
    """
    if seen is None:
        return "there is no store"
    if seen.position is not None and seen.position > position:
        return "the store is ahead: of another log, or the group was set back"
    if seen.mark > end:
        return "the store is of another subjects topic"
    if seen.age_s > STALE_S:
        return "the store is so old that tombstones may be gone"
    return None


def _change(record: Record) -> Change | None:
    return None if record.value is None else Change(record.value, decode(record.value).step_up)


def _blocked(at: TopicPartition, unreadable: Mapping[bytes, tuple[int, Rejected]]) -> Blocked:
    offset, error = min(unreadable.values(), key=lambda each: each[0])
    more = f", and {len(unreadable) - 1} more" if len(unreadable) > 1 else ""
    what = (
        "a newer release may have written it: upgrade this one"
        if error.reason == "unknown_schema_version"
        else f"`proofwatch subjects repair --partition {at.partition}` shows what can be done"
    )
    return Blocked(
        f"{_where(at)} offset {offset}: the state of a subject cannot be read ({error.message}){more}; nothing of the "
        f"partition is decided until it can be: {what}"
    )


def _where(source: TopicPartition) -> str:
    return f"{source.topic}/{source.partition}"
