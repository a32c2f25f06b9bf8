"""What a service does with batches, and who may commit what comes of it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Protocol, TypeVar

from proofwatch.bus.records import Batch, Output, Record, TopicPartition

Tx = TypeVar("Tx", covariant=True)
TxIn = TypeVar("TxIn", contravariant=True)


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
