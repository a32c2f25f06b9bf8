"""What verdicts say of attempts: decoded, chosen and kept; of who was erased since, nothing is."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection
from proofwatch.events import codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import Wire
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Erased, Whose, brings_back
from proofwatch.privacy.tags import Tags
from services.triage.core.attempts import Attempt, attempt_of, to_keep

TxIn = TypeVar("TxIn", contravariant=True)
Tx = TypeVar("Tx")


class AttemptStore(Protocol[TxIn]):
    """Where attempts are kept. All calls work inside the transaction that they are given."""

    async def erased(self, subjects: Collection[Whose], tx: TxIn) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        ...

    async def newest(self, tags: Collection[Whose], since: datetime, tx: TxIn) -> Mapping[Whose, datetime]:
        """Return when the newest attempt of people was logged that are kept, by tenant and tag.

        `since`: when the first of those was logged that they are asked for; older ones than matter to it are left out.
        """
        ...

    async def keep(self, attempts: Sequence[tuple[str, Attempt]], tx: TxIn, *, keyed: bool) -> None:
        """Keep attempts, each with its person's tag; of one that is there already nothing changes."""
        ...


class Attempts(Generic[Tx]):
    """Takes batches of verdicts. It keeps nothing between batches."""

    def __init__(self, store: AttemptStore[Tx], tags: Tags[Tx], secret: bytes, wire: Wire) -> None:
        self._store, self._tags, self._secret = store, tags, secret
        self._decode = wire.decoder(codec.VERDICT)

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Keep what is to be kept; return rejections."""
        rejected, read = list[Output](), list[tuple[Whose, Attempt]]()
        for record in batch.records:
            try:
                read.append(self._read(record))
            except Rejected as error:
                rejected.append(Rejection.of(record, error))
        if read:
            await self._keep(read, tx)
        return rejected

    async def _keep(self, read: Sequence[tuple[Whose, Attempt]], tx: Tx) -> None:
        erased = await self._store.erased({whose for whose, _ in read}, tx)
        alive = [(whose, each) for whose, each in read if not brings_back(erased, whose, each.at)]
        if not alive:
            return
        suspect = {whose for whose, each in alive if not each.passed_cleanly}
        others = {whose for whose, _ in alive} - suspect
        # Who passes and has no tag yet has nothing kept, and gets none by passing.
        tags, keyed = await self._tags.of(tx, suspect)
        tags = {**tags, **(await self._tags.of(tx, others, make=False)).tags} if others else tags
        of_tag = {(whose[0], tag): whose for whose, tag in tags.items()}
        newest = await self._store.newest(of_tag.keys(), min(each.logged_at for _, each in alive), tx)
        chosen = to_keep(alive, {of_tag[each]: at for each, at in newest.items()})
        kept = [(tags[whose], each) for whose, each in chosen]
        await self._store.keep(kept, tx, keyed=keyed)

    def _read(self, record: Record) -> tuple[Whose, Attempt]:
        verdict = self._decode(record.value)
        if "\0" in f"{verdict.transaction_id}{verdict.attempt_id or ''}":
            raise Rejected("schema_mismatch", "text must not contain the character U+0000")
        try:
            attempt = attempt_of(verdict, instant_of(record.timestamp_ms), self._secret)
        except OverflowError:
            raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
        return (verdict.tenant, subject_mark(self._secret, verdict.tenant, verdict.subject_ref)), attempt
