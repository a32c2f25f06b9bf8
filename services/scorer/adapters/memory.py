"""Subjects in this process: standalone mode, and the tests' reference."""

from collections import OrderedDict
from collections.abc import Collection
from typing import NamedTuple

from proofwatch.bus.records import TopicPartition
from proofwatch.events.types import SubjectState
from services.scorer.core.subject import decode
from services.scorer.ports import Applied, Changes, Sentinel, SubjectsBehind


class MemorySubjects:
    """Implements `ports.Subjects`; a state goes `ttl_s` seconds of log time after it was last written.

    It is as old as the process, so it never has to be caught up from a topic that it outlived.
    """

    def __init__(self, ttl_s: int) -> None:
        self._ttl_ms = ttl_s * 1000
        self._stores: dict[TopicPartition, _Store] = {}
        self._claims = 0

    async def sentinel(self, source: TopicPartition) -> Sentinel | None:
        """Return where the partition's store is; None: there is none."""
        store = self._stores.get(source)
        return store.sentinel if store else None

    async def claim(self, source: TopicPartition, seen: Sentinel | None, *, anew: bool) -> Sentinel:
        """Begin a catch-up. Raises `SubjectsBehind`."""
        store = self._stores.get(source)
        if (store.sentinel if store else None) != seen:
            raise _overtaken(source)
        self._claims += 1
        name = str(self._claims)
        if store is None or anew:
            store = self._stores[source] = _Store(Sentinel(name, None, name, 0, 0.0))
        store.sentinel = store.sentinel._replace(position=None, claim=name)
        return store.sentinel

    async def fill(
        self, source: TopicPartition, claim: Sentinel, changes: Changes, mark: int, position: int | None = None
    ) -> None:
        """Apply records of the subjects partition. Raises `SubjectsBehind`."""
        store = self._stores.get(source)
        if store is None or store.sentinel.claim != claim.claim:
            raise _overtaken(source)
        store.apply(changes, self._ttl_ms)
        done = "" if position is not None else claim.claim
        age_s = 0.0 if position is not None else store.sentinel.age_s
        store.sentinel = store.sentinel._replace(position=position, claim=done, mark=mark, age_s=age_s)

    async def exchange(
        self, source: TopicPartition, position: int, applied: Applied | None, subjects: Collection[bytes]
    ) -> dict[bytes, SubjectState]:
        """Apply what the batch before changed, and return the states of those `subjects` that have one."""
        store = self._stores.get(source)
        at = store.sentinel.position if store else None
        if store is None or at is None or (at != position and not (applied and at == applied.position_before)):
            raise SubjectsBehind(f"{source.topic}/{source.partition}: the subjects are at {at}, the lane at {position}")
        if applied and at != position:
            store.expire(applied.timestamp_ms)
            store.apply(applied.changes, self._ttl_ms)
            mark = max(store.sentinel.mark, applied.mark or 0)
            store.sentinel = store.sentinel._replace(position=position, mark=mark, age_s=0.0)
        kept = store.kept
        return {subject: decode(kept[subject].value) for subject in subjects if subject in kept} if kept else {}

    async def ping(self) -> None:
        """Always there."""

    async def close(self) -> None:
        """Keep everything: it lives as long as the process."""


def _overtaken(source: TopicPartition) -> SubjectsBehind:
    return SubjectsBehind(f"{source.topic}/{source.partition}: another owner has begun to catch up")


class _Value(NamedTuple):
    expires_ms: int
    value: bytes


class _Store:
    """The states of one partition, in the order in which they were last written."""

    def __init__(self, sentinel: Sentinel) -> None:
        self.sentinel = sentinel
        self.kept: OrderedDict[bytes, _Value] = OrderedDict()
        self._now_ms = 0

    def apply(self, changes: Changes, ttl_ms: int) -> None:
        for subject, change in changes.items():
            if change is None:
                self.kept.pop(subject, None)
            else:
                self.kept[subject] = _Value(self._now_ms + ttl_ms, change.value)
                self.kept.move_to_end(subject)

    def expire(self, now_ms: int) -> None:
        self._now_ms = max(self._now_ms, now_ms)
        while self.kept and next(iter(self.kept.values())).expires_ms <= self._now_ms:
            self.kept.popitem(last=False)
