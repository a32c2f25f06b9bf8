"""A stage like any other: acts that are records of Kafka become pending entries, in the transaction of the position."""

from collections.abc import Sequence
from typing import Any

from proofwatch.audit.pending import enter
from proofwatch.bus.records import Batch, Output, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.wire import JSON, Wire
from services.auditor.core.acts import ACTS, entry_of_record


class ActsStage:
    """Keeps nothing, and refuses nothing: what cannot be read is an entry that says so."""

    def __init__(self, wire: Wire = JSON) -> None:
        self._decoders = {topic: wire.decoder(act.codec) for topic, act in ACTS.items()}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def step(self, batch: Batch, tx: Any) -> Sequence[Output]:
        """Enter what the records say was done; tombstones say nothing."""
        decode, topic = self._decoders[batch.source.topic], batch.source.topic
        records = [record for record in batch.records if record.value is not None]
        if records:
            await enter(tx, *(entry_of_record(topic, record, decode) for record in records))
        return ()

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""
