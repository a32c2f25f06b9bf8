"""The lane of suspicions: which transactions were flagged, and where their imagery lies."""

from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Erased, Whose, brings_back
from proofwatch.privacy.tags import Tags
from services.imagery.core.facts import Flagged

TxIn = TypeVar("TxIn", contravariant=True)


class Flags(Protocol[TxIn]):
    """Where they are kept."""

    async def erased(self, tx: TxIn, subjects: set[Whose]) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        ...

    async def flag(self, tx: TxIn, flagged: list[Flagged], *, keyed: bool) -> None:
        """Keep what was flagged; `keyed`: the subjects' tags are under data keys."""
        ...


class FlagsStage(Generic[TxIn]):
    """Keeps the references of flagged transactions. It publishes nothing."""

    def __init__(self, store: Flags[TxIn], tags: Tags[TxIn], secret: bytes, wire: Wire = JSON) -> None:
        """`secret` is the deployment's for marks (`privacy.marks`); `tags` of subjects are asked for by marks."""
        self._store, self._tags, self._secret = store, tags, secret
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
            tags, keyed = await self._tags.of(tx, {(each.tenant, each.subject_tag) for each in found})
            tagged = [each._replace(subject_tag=tags[each.tenant, each.subject_tag]) for each in found]
            await self._store.flag(tx, tagged, keyed=keyed)
        return refused

    def _read(self, record: Record) -> tuple[Flagged, datetime]:
        """Return what is to be kept, under its subject's mark, and when it happened."""
        event = self._decode(record.value)
        if any(
            "\0" in text for text in (event.tenant, event.transaction_id, event.subject_ref, event.imagery_ref or "")
        ):
            raise Rejected("schema_mismatch", "text must not contain the character U+0000")
        flagged = Flagged(
            event.tenant,
            event.transaction_id,
            subject_mark(self._secret, event.tenant, event.subject_ref),
            event.imagery_ref,
            event.imagery_sha256,
            event.imagery_media_type,
            instant_of(record.timestamp_ms),
        )
        return flagged, event.occurred_at
