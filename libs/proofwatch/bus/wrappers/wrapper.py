"""What every wrapper around a stage does: it hands on what it has no say in."""

from typing import TypeVar

from proofwatch.bus.records import TopicPartition
from proofwatch.bus.stage import History, Stage

Tx = TypeVar("Tx", contravariant=True)


class Wrapper(Stage[Tx]):
    """A stage around `stage`; what it is there for is in its `step`."""

    def __init__(self, stage: Stage[Tx]) -> None:
        self._stage = stage

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Hand it on."""
        await self._stage.opened(source, position, history)

    async def closed(self, source: TopicPartition) -> None:
        """Hand it on."""
        await self._stage.closed(source)
