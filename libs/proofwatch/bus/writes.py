"""Writing as the owner of a partition without being its lane: outputs are committed, and the position stays."""

from collections.abc import Sequence

from proofwatch.bus.port import Bus
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History, Owner


class Writes:
    """A `Stage` of one batch without records."""

    def __init__(self, outputs: Sequence[Outgoing]) -> None:
        self._outputs = outputs

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return what is to be written."""
        return self._outputs

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""


async def commit_writes(owner: Owner[None], source: TopicPartition, outputs: Sequence[Outgoing], now_ms: int) -> None:
    """Commit outputs where the partition stands. Raises `Fenced` when another has acquired it meanwhile."""
    position = await owner.position() or 0
    await owner.commit(Batch(source, (), position, position, None, now_ms), Writes(outputs))


async def write_as_owner(
    bus: Bus, group: str, source: TopicPartition, outputs: Sequence[Outgoing], now_ms: int
) -> None:
    """Acquire a group's partition, which shuts its lane out until that acquires it anew, write, and let go.

    Raises `Fenced` when the lane was quicker: then nothing was written.
    """
    owner = await bus.fence(group).acquire(source)
    try:
        await commit_writes(owner, source, outputs, now_ms)
    finally:
        await owner.close()
