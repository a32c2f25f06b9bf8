"""A stage whose records are made readable first: schemas that it has not met are fetched before it sees them.

So stages decode synchronously and never wait for the registry. When the registry does not answer, the step fails, the
lane begins again, and nothing is decided.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TypeVar

from proofwatch.bus.records import Batch, Output, Record, TopicPartition
from proofwatch.bus.stage import History, Stage
from proofwatch.bus.wrappers.wrapper import Wrapper
from proofwatch.events.wire import JSON, Wire

Tx = TypeVar("Tx")


def prepared(stage: Stage[Tx], wire: Wire) -> Stage[Tx]:
    """Return the stage behind `wire.prepare`; with plain JSON, which needs nothing, the stage itself."""
    return stage if wire is JSON else _Prepared(stage, wire)


class _Prepared(Wrapper[Tx]):
    def __init__(self, stage: Stage[Tx], wire: Wire) -> None:
        super().__init__(stage)
        self._wire = wire

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Hand the history on, made readable."""
        await self._stage.opened(source, position, _PreparedHistory(history, self._wire))

    async def step(self, batch: Batch, tx: Tx) -> Iterable[Output]:
        """Hand the batch on, made readable. Raises `RegistryUnavailable`."""
        await self._wire.prepare(record.value for record in batch.records)
        return await self._stage.step(batch, tx)


class _PreparedHistory:
    def __init__(self, history: History, wire: Wire) -> None:
        self._history = history
        self._wire = wire

    async def since(self, timestamp_ms: int) -> AsyncIterator[Sequence[Record]]:
        """Yield what the history yields, made readable."""
        async for records in self._history.since(timestamp_ms):
            await self._wire.prepare(record.value for record in records)
            yield records
