"""What an erasure does on the bus: find the person's transactions, say that they are erased, write tombstones."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from proofwatch.bus.errors import Fenced
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.bus.writes import write_as_owner
from proofwatch.events import topics
from proofwatch.events.codec import ERASURE, LABEL_REQUEST, SUSPICION, TRANSACTION, VERDICT, Codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Erasure
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.purposes import Purpose
from services.privacy.core.erasure import Subject

SCORER: Final = "scorer"
"""The group whose partitions the scorer owns; it alone writes the states of subjects."""
_TRIES: Final = 10
_CARRIERS: Final[Mapping[str, Codec[Any]]] = {
    topics.TRANSACTIONS: TRANSACTION,
    topics.VERDICTS: VERDICT,
    topics.SUSPICIONS: SUSPICION,
    topics.LABEL_REQUESTS: LABEL_REQUEST,
}
"""Topics by tenant/subject_ref whose records name a transaction; every one that there is comes through the first two,
and the others keep it longer."""
_CHUNK: Final = 1_000


class BusTopics:
    """Implements `ports.Topics`."""

    def __init__(self, bus: Bus, wire: Wire = JSON) -> None:
        self._bus, self._wire = bus, wire

    async def transactions(self, subject: Subject) -> frozenset[str]:
        """Return the ids that stand in records under the person's key."""
        key, found = key_of(subject), set[str]()
        for topic, codec in _CARRIERS.items():
            decode = self._wire.decoder(codec)
            at = TopicPartition(topic, partition_of(key, await self._bus.partitions(topic)))
            async for record in self._bus.read(at):
                if record.key != key or record.value is None:
                    continue
                await self._wire.prepare([record.value])
                with suppress(Rejected):  # a dead letter, which goes by itself
                    found.add(decode(record.value).transaction_id)
        return frozenset(found)

    async def announce(self, erasure_id: str, subject: Subject, marks: Collection[str], at: datetime) -> None:
        """Publish the erasure; readers take an id once."""
        event = Erasure(
            schema_version=1,
            erasure_id=erasure_id,
            tenant=subject.tenant,
            subject_mark=subject.mark,
            transaction_marks=tuple(sorted(marks)),
            erased_at=at,
        )
        value = self._wire.encoder(ERASURE)(event)
        await self._bus.publish([Outgoing(topics.ERASURES, erasure_id.encode(), value)])

    async def tombstone(self, subject: Subject, now_ms: int) -> int:
        """Write tombstones: states and step-ups as the owner of the scorer's partition, consents on every partition.

        A producer with another partitioner may have put a consent anywhere.
        """
        key = key_of(subject)
        own = partition_of(key, await self._bus.partitions(topics.TRANSACTIONS))
        states = [Outgoing(topic, key, None, own) for topic in (topics.SUBJECTS, topics.STEP_UPS)]
        await self._as_scorer(TopicPartition(topics.TRANSACTIONS, own), states, now_ms)
        consents = [
            Outgoing(topics.CONSENTS, key + b"/" + purpose.value.encode(), None, partition)
            for partition in range(await self._bus.partitions(topics.CONSENTS))
            for purpose in Purpose
        ]
        for first in range(0, len(consents), _CHUNK):
            await self._bus.publish(consents[first : first + _CHUNK])
        return len(states) + len(consents)

    async def _as_scorer(self, source: TopicPartition, states: list[Outgoing], now_ms: int) -> None:
        """Try again where the scorer, which waits and tries too, came between: nothing was written then."""
        for _ in range(_TRIES - 1):
            with suppress(Fenced):
                return await write_as_owner(self._bus, SCORER, source, states, now_ms)
        return await write_as_owner(self._bus, SCORER, source, states, now_ms)


def key_of(subject: Subject) -> bytes:
    """Return the key of everything that is the person's, on topics and in Redis."""
    return f"{subject.tenant}/{subject.subject_ref}".encode()
