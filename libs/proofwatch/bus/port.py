"""The bus as every stage sees it: what a lane reads from, and the log that distributes everything.

Two implementations fulfil these protocols, `LocalBus` (in process) and `KafkaBus`; one contract suite
(`tests/contract`) runs unchanged on both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from proofwatch.bus.records import Outgoing, Record, Topic, TopicPartition
from proofwatch.bus.stage import Fence, History


class Look(NamedTuple):
    """What the last answer to a fetch said of a partition, `ago_ms` milliseconds ago.

    Offsets from `stable` up to `high_watermark` are written but cannot be read: a transaction is open at `stable`.
    Everything that was appended before the answer, and is below `stable`, has come with it or before it.
    """

    ago_ms: int
    high_watermark: int
    stable: int

    @property
    def open(self) -> bool:
        """Whether a transaction is open: what it brings may be older than the answer."""
        return self.stable < self.high_watermark


class GroupProgress(NamedTuple):
    """How far a group has come in a partition.

    Everything below `done` is worked off, or holds no record: transaction markers, and what was aborted. `end` is the
    high watermark, so what is in open transactions lies below it. Where `done` is `end`, nothing is waited for.
    """

    done: int
    end: int


class Source(Protocol):
    """What a lane reads from: a topic partition, or an outbox."""

    async def beginning(self, source: TopicPartition) -> int:
        """Return the earliest position that can still be read."""
        ...

    async def seek(self, source: TopicPartition, position: int) -> None:
        """Read from `position` on. Raises `NotAssigned` when the partition is not ours now."""
        ...

    async def fetch(self, source: TopicPartition, max_records: int, timeout_s: float) -> Sequence[Record]:
        """Return the next records (committed ones only), or none after `timeout_s`."""
        ...

    def look(self, source: TopicPartition) -> Look | None:
        """Return what the last answer said, records or none; None: there was no answer since the last `seek`."""
        ...

    def history(self, source: TopicPartition, position: int) -> History:
        """Return the view of what lies before `position`."""
        ...


Listener = Callable[[frozenset[TopicPartition]], Awaitable[None]]


class Consumer(Source, Protocol):
    """One member of a consumer group."""

    async def start(self, on_assigned: Listener, on_revoked: Listener) -> None:
        """Join the group. `on_revoked` may await (drain the lanes); `on_assigned` must return at once."""
        ...

    async def stop(self) -> None:
        """Leave the group; `on_revoked` has been awaited for everything that was assigned."""
        ...

    def verify(self) -> None:
        """Look after the membership, every second or so.

        Raises `InstanceTaken` when another process has joined under this member's name, and `BusUnavailable` when it
        has ended otherwise.
        """
        ...

    def unready(self) -> Sequence[str]:
        """Return why the member is not in its group; empty: it is, or joins."""
        ...

    async def passed(self, source: TopicPartition) -> int | None:
        """Return the position behind everything that was fetched, transaction markers included; None: not known."""
        ...

    async def announce(self, positions: Mapping[TopicPartition, int]) -> None:
        """Tell the group positions that are kept elsewhere, for whoever asks the bus how far it is.

        Partitions that are not assigned are left out. Raises `BusUnavailable`; nothing depends on it.
        """
        ...


class CaughtUp(NamedTuple):
    """What a tail has taken, in order for each partition.

    `complete`: everything that lay in the log when the call began has been taken, now or before. It is False while a
    transaction that had begun by then is open, for it may still bring records of earlier offsets and times.
    """

    records: Sequence[tuple[TopicPartition, Record]]
    complete: bool


class Tail(Protocol):
    """Follows every partition of some topics, from the beginning or from near the end, outside any group."""

    @property
    def behind(self) -> Sequence[tuple[TopicPartition, int]]:
        """The places that the last `catch_up` did not read to the end, each with the offset up to which it did."""
        ...

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable`, `UnknownTopic`."""
        ...

    async def catch_up(self, timeout_s: float) -> CaughtUp:
        """Return the committed records that have come since the last call; at the latest about `timeout_s` later.

        Raises `BusUnavailable`, after which it may be called again, and `Gap`.
        """
        ...

    async def stop(self) -> None:
        """Disconnect; idempotent."""
        ...


class Bus(Protocol):
    """The log that distributes everything.

    `shares_fate`: it ends with the process, and so does the database beside it. Then neither can be ahead of the other,
    and outputs of a database transaction are published right behind it, without an outbox.
    """

    shares_fate: bool

    async def start(self) -> None:
        """Connect. Raises `BusUnavailable` with the address that did not answer."""
        ...

    async def stop(self) -> None:
        """Release every connection."""
        ...

    async def partitions(self, topic: str) -> int:
        """Return the partition count. Raises `UnknownTopic`."""
        ...

    async def topic(self, name: str) -> Topic:
        """Return what the topic was when this bus was first asked for it. Raises `UnknownTopic`, `BusUnavailable`."""
        ...

    async def verify(self) -> None:
        """Raise `TopicChanged` when a topic is not what it was when this bus first told of it.

        Keys would go to other partitions, and positions would mean other records: nothing may be done after that.
        Asks the cluster, once for all who ask at the same time. Raises `BusUnavailable`.
        """
        ...

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """Return a member of `group`, not yet started."""
        ...

    def fence(self, group: str, *, of_topic: bool = True) -> Fence[None]:
        """Return the fence whose commits are bus transactions: outputs and position together.

        `of_topic`: positions are offsets of the topic, and mean nothing in another one of its name.
        """
        ...

    async def publish(self, records: Sequence[Outgoing]) -> None:
        """Publish outside any lane (upstream, simulation, tools); durable on return, in order."""
        ...

    async def positions(self, group: str, topic: str) -> dict[int, int]:
        """Return the committed position of every partition that has one."""
        ...

    async def position(self, group: str, source: TopicPartition) -> int | None:
        """Return where `group` goes on: its committed position, or what it wrote beside its outputs; None: neither.

        Raises `BusUnavailable`, and `UnknownTopic` where the bus has no place for the latter and no position either.
        """
        ...

    async def read_progress(self, group: str, topic: str) -> dict[int, GroupProgress]:
        """Return how far a group that commits on this bus has come in every partition, for those who ask again.

        `end` is of later than the call. That nothing but markers follows a position is known from the second call on
        that finds the position where it was. Raises `UnknownTopic`, `BusUnavailable`.
        """
        ...

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the end offset (the next to be written) of every partition."""
        ...

    def read(self, source: TopicPartition, position: int = 0) -> AsyncIterator[Record]:
        """Yield the committed records from `position` to the end at the time of the call, outside any group."""
        ...

    def tail(self, topics: Sequence[str], last: int | None = None) -> Tail:
        """Return what follows these topics, not yet started.

        `last`: of each partition at most so many offsets before its end at the start; None: all, so they are small.
        """
        ...
