"""The topic of checkpoints: where they have left the database's machine."""

from proofwatch.audit.note import Note
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.events.types import AuditCheckpoint
from proofwatch.events.wire import Wire
from services.auditor.ports import Published

_AT = TopicPartition(topics.AUDIT_CHECKPOINTS, 0)
_READ = 64


class CheckpointTopic:
    """One partition, a record for each checkpoint; one that is there twice is the same twice."""

    def __init__(self, bus: Bus, wire: Wire, origin: str) -> None:
        self._bus, self._wire, self._key = bus, wire, origin.encode()
        self._encode, self._decode = wire.encoder(AUDIT_CHECKPOINT), wire.decoder(AUDIT_CHECKPOINT)
        self.name = f"the topic {_AT.topic}"

    async def last(self) -> Published | None:
        """Return the last checkpoint of this log: from the end of the topic, or further ahead if others are there."""
        end = (await self._bus.ends(_AT.topic))[_AT.partition]
        width = _READ
        while True:
            found = await self._last_since(max(0, end - width))
            if found is not None or width >= end:
                return found
            width *= 8

    async def publish(self, published: Published) -> None:
        """Publish the checkpoint; it is durable on return."""
        checkpoint = published.checkpoint
        event = AuditCheckpoint(
            schema_version=1,
            origin=checkpoint.origin,
            checkpoint_index=published.place,
            size=checkpoint.size,
            note=published.note.body().decode(),
        )
        await self._bus.publish([Outgoing(_AT.topic, self._key, self._encode(event), _AT.partition)])

    async def _last_since(self, position: int) -> Published | None:
        found: Published | None = None
        async for record in self._bus.read(_AT, position):
            if record.key == self._key:
                await self._wire.prepare([record.value])
                event = self._decode(record.value)
                one = Published(event.checkpoint_index, Note.parse(event.note.encode()))
                found = one if found is None or one.place >= found.place else found
        return found
