"""The lane of suspicions: which transactions were flagged, and where their imagery lies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.instants import instant_of
from proofwatch.privacy.suppression import Erased, Whose, brings_back
from services.imagery.core.facts import Flagged

TxIn = TypeVar("TxIn", contravariant=True)


class Flags(Protocol[TxIn]):
    """Where they are kept."""

    async def erased(self, tx: TxIn, subjects: set[Whose]) -> Erased:
        """Return which subjects, by tag, were erased, and when."""
        ...

    async def flag(self, tx: TxIn, flagged: list[Flagged]) -> None:
        """Keep what was flagged."""
        ...


class FlagsStage(Generic[TxIn]):
    """Keeps the references of flagged transactions. It publishes nothing."""

    def __init__(self, store: Flags[TxIn], secret: bytes, wire: Wire = JSON) -> None:
        """`secret` is the deployment's for subject tags (`governance.pseudonyms`)."""
        self._store, self._secret = store, secret
        self._decode = wire.decoder(codec.SUSPICION)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: TxIn) -> Sequence[Output]:
        """Keep what the batch flags; return what cannot be read."""
        refused: list[Output] = []
        read: list[tuple[Flagged, datetime]] = []
        for record in batch.records:
            try:
                read.append(self._read(record))
            except Rejected as rejected:
                refused.append(Rejection.of(record, rejected))
        erased = await self._store.erased(tx, {(each.tenant, each.subject_tag) for each, _ in read}) if read else {}
        found = [each for each, at in read if not brings_back(erased, (each.tenant, each.subject_tag), at)]
        if found:
            await self._store.flag(tx, found)
        return refused

    def _read(self, record: Record) -> tuple[Flagged, datetime]:
        """Return what is kept, and when it happened."""
        event = self._decode(record.value)
        if any(
            "\0" in text for text in (event.tenant, event.transaction_id, event.subject_ref, event.imagery_ref or "")
        ):
            raise Rejected("schema_mismatch", "text must not contain the character U+0000")
        flagged = Flagged(
            event.tenant,
            event.transaction_id,
            subject_tag(self._secret, event.tenant, event.subject_ref),
            event.imagery_ref,
            event.imagery_sha256,
            event.imagery_media_type,
            instant_of(record.timestamp_ms),
        )
        return flagged, event.occurred_at
