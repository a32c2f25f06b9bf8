"""A fence that tells an observer of every committed batch: for metrics, without a word of them in lanes and stages."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple, Protocol, TypeVar

from proofwatch.bus.committed import Committed
from proofwatch.bus.lazy_outputs import passed
from proofwatch.bus.records import Batch, Output, TopicPartition
from proofwatch.bus.stage import Fence, Owner, Stage
from proofwatch.bus.wrappers.wrapper import Wrapper

Tx = TypeVar("Tx")
TxIn = TypeVar("TxIn", contravariant=True)


class Sample(NamedTuple):
    """A value that was looked up: of the gauge of that name, with its labels in the order of the catalogue."""

    metric: str
    labels: tuple[str, ...]
    value: float


class Observer(Protocol):
    """Is told what became durable, batch by batch, and what failed; must be quick and must not raise."""

    def assigned(self, group: str, partitions: Iterable[TopicPartition]) -> None:
        """Take note of a rebalance after which this process has these partitions."""
        ...

    def revoked(self, group: str, partitions: Iterable[TopicPartition]) -> None:
        """Take note that the partitions are not this process's any more."""
        ...

    def failed(self, group: str, source: TopicPartition, error: BaseException) -> None:
        """Take note that a batch failed and is tried again."""
        ...

    def counted(self, metric: str, *labels: str) -> None:
        """Count one of what only a service knows; `metric` is a counter of the catalogue."""
        ...

    def committed(self, group: str, batch: Batch, outputs: Committed, seconds: float) -> None:
        """Take note of a batch, idle ones too; `seconds` is what step and commit took together."""
        ...


class Observed(Fence[Tx]):
    """`fence`, whose owners tell `observer` what they commit."""

    def __init__(self, fence: Fence[Tx], observer: Observer) -> None:
        self._fence = fence
        self._observer = observer

    @property
    def group(self) -> str:
        """Return the fence's group, under which the observer hears of it."""
        return self._fence.group

    async def check(self) -> None:
        """Hand it on."""
        await self._fence.check()

    async def acquire(self, source: TopicPartition) -> Owner[Tx]:
        """Become the owner of `source`."""
        return _Owner(await self._fence.acquire(source), self.group, self._observer)


class _Owner(Owner[Tx]):
    def __init__(self, owner: Owner[Tx], group: str, observer: Observer) -> None:
        self._owner = owner
        self._group = group
        self._observer = observer

    async def position(self) -> int | None:
        return await self._owner.position()

    async def commit(self, batch: Batch, stage: Stage[Tx]) -> None:
        seen, time = _Seen(stage), asyncio.get_running_loop().time
        began = time()
        await self._owner.commit(batch, seen)
        if seen.batch and seen.outputs:  # else everything in it was durable already
            self._observer.committed(self._group, seen.batch, seen.outputs, time() - began)

    async def close(self) -> None:
        await self._owner.close()


class _Seen(Wrapper[TxIn]):
    """Remembers what the stage got and gave; an owner may have cut the batch."""

    def __init__(self, stage: Stage[TxIn]) -> None:
        super().__init__(stage)
        self.batch: Batch | None = None
        self.outputs: Committed | None = None

    async def step(self, batch: Batch, tx: TxIn) -> Iterable[Output]:
        outputs, self.batch, self.outputs = await self._stage.step(batch, tx), batch, Committed(batch.source.topic)
        return passed(outputs, self.outputs.count)
