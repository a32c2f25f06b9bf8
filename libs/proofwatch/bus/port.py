"""The bus as every stage sees it: records, batches, and who may commit.

Kafka's words are used throughout. Two implementations fulfil these protocols, `LocalBus` (in process) and
`KafkaBus`; one contract suite (`tests/contract`) runs unchanged on both.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, Protocol, Self, TypeVar

from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.rejected import Rejected

Headers = tuple[tuple[str, bytes], ...]
Tx = TypeVar("Tx", covariant=True)
TxIn = TypeVar("TxIn", contravariant=True)


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Topic(NamedTuple):
    """What a topic is at some time. `id` tells it from another of its name, before or after; None: not known.

    `accepted`: an operator has said that it may be read from its beginning, if another was read before.
    """

    partitions: int
    id: str | None = None
    accepted: bool = False


class Record(NamedTuple):
    """One record as it lies in a partition.

    `timestamp_ms` is milliseconds since the Unix epoch: log-append or create time, as the topic's manifest says.
    Offsets ascend but are not contiguous: transaction markers leave holes.
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Outgoing(NamedTuple):
    """One record to be published.

    `partition` None: chosen from the key with Kafka's murmur2 partitioner, so that equal keys on topics of equal
    partition count stay co-partitioned. `timestamp_ms` None: the clock of the bus.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp_ms: int | None = None
    headers: Headers = ()


new_record: Final[Callable[[tuple[int, int, bytes | None, bytes | None, Headers]], Record]] = partial(
    tuple.__new__, Record
)
"""Makes a record of all of its fields: what a named tuple's own constructor does, at a third of its price."""

new_outgoing: Final[Callable[[tuple[str, bytes | None, bytes | None, int | None, int | None, Headers]], Outgoing]] = (
    partial(tuple.__new__, Outgoing)
)
"""The same for what is published."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that can never be processed, as a stage hands it over: in its place among the outputs.

    The bus makes a dead letter of it, under the name of the group (`dead_letters.letter`), and counts it.
    `message` says where the record is wrong and what would be right; it never holds a value of the record.
    `stamp_ms`: the letter's timestamp where a broker would refuse the record's own; None: the record's.
    """

    record: Record
    reason: DeadLetterReason
    message: str
    stamp_ms: int | None = None

    @classmethod
    def of(cls, record: Record, error: Rejected) -> Self:
        """Return the rejection of `record` because of `error`."""
        return cls(record, error.reason, error.message)


Output = Outgoing | Rejection
"""What comes of a batch, one by one."""
Part = Sequence[Outgoing] | Rejection
"""What comes of a batch, at a stroke. A rejection is a part of its own: nobody looks at every record for one."""


class Batch(NamedTuple):
    """Consecutive records of one partition, and the half-open range of positions they stand for.

    An idle batch has no records and `position_before == position_after`.
    `progress_ms` is the greatest record timestamp seen in the partition, of those that can be believed
    (`wrappers.timely`); on an idle batch in live mode it follows the clock. None: nothing is known yet. `now_ms` is the
    lane's clock when the batch was taken.
    """

    source: TopicPartition
    records: Sequence[Record]
    position_before: int
    position_after: int
    progress_ms: int | None
    now_ms: int


class History(Protocol):
    """Read-only view of what lies before a lane's starting position."""

    def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield the partition's records from the first at or after `timestamp_ms` up to the starting position."""
        ...


class Stage(Protocol[TxIn]):
    """What a service does with batches. One instance serves every partition that its process is assigned.

    A stage may not assume that a batch is seen only once, nor that its outputs will be committed: after a failure
    the same records come again, perhaps cut into other batches, perhaps in another process.
    """

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Load what the partition needs before its first batch; also called when a lane starts anew."""
        ...

    async def step(self, batch: Batch, tx: TxIn) -> Iterable[Output]:
        """Return what is to be published together with the batch's position: a sequence, or `LazyOutputs`.

        A record that cannot be processed is a `Rejection` among them, and the next one goes on.
        `tx` is the open database connection for PostgreSQL lanes and None for bus lanes.
        """
        ...

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition: another process owns it, or this one stops."""
        ...


class Owner(Protocol[Tx]):
    """The right to commit for one partition, held until somebody else acquires it."""

    async def position(self) -> int | None:
        """Return the durable position, read after fencing, so it cannot be stale; None: nothing was ever committed.

        It does not depend on what a bus forgets, such as the offsets of idle groups.
        """
        ...

    async def commit(self, batch: Batch, stage: Stage[Tx]) -> None:
        """Run `stage.step` and make its effects, its outputs and `position_after` durable in one atomic act.

        Raises `Fenced` when another owner has taken over, `Gap` when the durable position is not where the batch
        begins. After any exception the owner is unusable: close it and acquire anew.
        """
        ...

    async def close(self) -> None:
        """Release what the owner holds; never raises."""
        ...


class Fence(Protocol[Tx]):
    """Where positions and effects become durable together, and where the previous owner is shut out.

    It is one group's: its positions, its outputs, and its dead letters, which have the group's name.
    """

    @property
    def group(self) -> str:
        """Return the group, as everything that is committed calls it."""
        ...

    async def check(self) -> None:
        """Make sure, before anything starts, that what the fence needs is there; raises a `BusError` that names it."""
        ...

    async def acquire(self, source: TopicPartition) -> Owner[Tx]:
        """Become the only one who can commit for `source`; whoever held it before gets `Fenced`."""
        ...


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
    """Follows every partition of some topics from the beginning, outside any group."""

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

    def tail(self, topics: Sequence[str]) -> Tail:
        """Return what follows these topics, not yet started. They are few and small: all of them is read."""
        ...
