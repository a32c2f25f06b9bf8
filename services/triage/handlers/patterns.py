"""What the scorer tells of attack patterns: decoded, and counted once; of who was erased since, nothing is kept."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection
from proofwatch.events import codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import AttackPattern, PatternHit
from proofwatch.events.wire import Wire
from proofwatch.governance.predicate import InvalidPredicate, parse
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Erased, Whose, brings_back

TxIn = TypeVar("TxIn", contravariant=True)
Tx = TypeVar("Tx")
_MAX_REVISION: Final = 2**31 - 1


class HitStore(Protocol[TxIn]):
    """Where hits are kept. Both calls work inside the transaction that they are given."""

    async def erased(self, subjects: Collection[Whose], tx: TxIn) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        ...

    async def keep(self, hits: Sequence[PatternHit], tx: TxIn) -> None:
        """Count what was not counted yet."""
        ...

    async def learn(self, event: AttackPattern, at: datetime, tx: TxIn) -> None:
        """Keep a pattern that others published; of our own every revision is known."""
        ...


class Hits(Generic[Tx]):
    """Takes batches of hits. The record's key says whose they are; no row does."""

    def __init__(self, store: HitStore[Tx], secret: bytes, wire: Wire) -> None:
        self._store, self._secret, self._decode = store, secret, wire.decoder(codec.PATTERN_HIT)
        self._pattern = wire.decoder(codec.ATTACK_PATTERN)

    async def learn(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Keep patterns that were published by others; return rejections."""
        rejected = list[Output]()
        for record in batch.records:
            try:
                event = self._pattern(record.value)
                _refuse(event.revision, event.description, event.species)
                parse(event.predicate)
            except InvalidPredicate as error:
                rejected.append(Rejection.of(record, Rejected("schema_mismatch", f"$.predicate: {error}")))
            except Rejected as error:
                rejected.append(Rejection.of(record, error))
            else:
                await self._store.learn(event, instant_of(record.timestamp_ms), tx)
        return rejected

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Keep what can be read; return rejections."""
        rejected, read = list[Output](), list[tuple[Whose, PatternHit]]()
        for record in batch.records:
            try:
                read.append(self._read(record))
            except Rejected as error:
                rejected.append(Rejection.of(record, error))
        erased = await self._store.erased({whose for whose, _ in read}, tx) if read else {}
        alive = [hit for whose, hit in read if not erased or not brings_back(erased, whose, hit.occurred_at)]
        await self._store.keep(alive, tx)
        return rejected

    def _read(self, record: Record) -> tuple[Whose, PatternHit]:
        hit = self._decode(record.value)
        tenant, _, subject = (record.key or b"").decode("utf-8", "replace").partition("/")
        if tenant != hit.tenant or not subject:
            raise Rejected("key_mismatch", "the record's key must be tenant/subject_ref")
        _refuse(hit.revision, hit.transaction_id, hit.attempt_id)
        try:
            hit.occurred_at.astimezone(UTC)
        except OverflowError:
            raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
        return (tenant, subject_mark(self._secret, tenant, subject)), hit


def _refuse(revision: int, *texts: str | None) -> None:
    """Raise `Rejected` where JSON allows what PostgreSQL cannot keep."""
    if any("\0" in text for text in texts if text):
        raise Rejected("schema_mismatch", "text must not contain the character U+0000")
    if revision > _MAX_REVISION:
        raise Rejected("schema_mismatch", f"$.revision: must be a whole number from 1 to {_MAX_REVISION}")
