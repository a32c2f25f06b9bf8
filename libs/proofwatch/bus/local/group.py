"""Consumer groups of the in-process bus: members, their assignment, committed positions, epochs."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from proofwatch.bus.records import TopicPartition

Assignment = frozenset[TopicPartition]


class Member(Protocol):
    """What the group needs of a consumer."""

    @property
    def topics(self) -> Sequence[str]:
        """Return the subscribed topics."""
        ...

    async def revoke(self) -> None:
        """Give up everything; returns when nothing of it is in work any more."""
        ...

    async def assign(self, partitions: Assignment) -> None:
        """Take these partitions."""
        ...


def range_assignment(members: Sequence[Member], counts: Mapping[str, int]) -> list[Assignment]:
    """Share each topic's partitions in contiguous ranges, the earlier members getting the remainder.

    Kafka's RangeAssignor: topics of equal partition count give a member the same partition numbers of each.
    """
    shares: list[set[TopicPartition]] = [set() for _ in members]
    for topic in sorted({topic for member in members for topic in member.topics}):
        takers = [share for share, member in zip(shares, members, strict=True) if topic in member.topics]
        quota, remainder = divmod(counts[topic], len(takers))
        start = 0
        for index, share in enumerate(takers):
            size = quota + (index < remainder)
            share.update(TopicPartition(topic, p) for p in range(start, start + size))
            start += size
    return [frozenset(share) for share in shares]


class Group:
    """One consumer group. Rebalances are eager as in Kafka's classic protocol: all revoked, then all assigned."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts
        self._members: list[Member] = []
        self._rebalancing = asyncio.Lock()
        self.topics: set[str] = set()
        self.committed: dict[TopicPartition, int] = {}
        self.written: dict[TopicPartition, int] = {}
        """The same, but not to be lost: what Kafka's owners write beside their outputs."""
        self.read_of: dict[TopicPartition, str | None] = {}
        """The identifier of the topic that the position is of."""
        self.epochs: dict[TopicPartition, int] = {}
        self._reached: dict[TopicPartition, int] = {}

    async def join(self, member: Member) -> None:
        """Add a member and share the partitions anew."""
        self.topics.update(member.topics)
        await self._rebalance([*self._members, member])

    async def leave(self, member: Member) -> None:
        """Remove a member and share the partitions anew; a stranger is ignored."""
        if member in self._members:
            await self._rebalance([other for other in self._members if other is not member])

    async def _rebalance(self, members: list[Member]) -> None:
        async with self._rebalancing:
            for member in self._members:
                await member.revoke()
            self._members = members
            for member, share in zip(members, range_assignment(members, self._counts), strict=True):
                await member.assign(share)

    def forget(self, source: TopicPartition) -> None:
        """Forget the position: the topic is another one."""
        self.committed.pop(source, None)
        self.written.pop(source, None)
        self.read_of.pop(source, None)

    def bump_epoch(self, source: TopicPartition) -> int:
        """Fence whoever owned `source` and return the new owner's epoch."""
        self.epochs[source] = self.epochs.get(source, 0) + 1
        return self.epochs[source]

    def reached(self, source: TopicPartition, position: int) -> None:
        """Note that a member asks for records from `position` on, so that it is done with those before.

        Lanes ask again only after their commit. A lane with its position in PostgreSQL leaves no other trace here.
        """
        self._reached[source] = position

    def done(self, source: TopicPartition) -> int:
        """Return the position below which this group needs nothing any more."""
        return max(self.committed.get(source, 0), self._reached.get(source, 0))


def least_done(groups: Iterable[Group], source: TopicPartition) -> int:
    """Return the position below which no group that ever joined needs `source`; 0 when none ever joined."""
    return min((group.done(source) for group in groups if source.topic in group.topics), default=0)
