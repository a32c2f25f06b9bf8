"""The stage of consents: each record is a subject's word, and the one that prevails holds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Generic, NamedTuple, TypeVar

from proofwatch.bus.records import Batch, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.consents import ConsentKey, Word, prevailing, told
from proofwatch.governance.purposes import Purpose
from proofwatch.instants import instant_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.suppression import Erased, Whose, brings_back
from proofwatch.privacy.tags import Tags
from services.consents.ports import ConsentStore

Tx = TypeVar("Tx")
_KEY: Final = "the record's key must be tenant/subject_ref/purpose in UTF-8, as in the event"


class _Said(NamedTuple):
    whose: Whose
    purpose: Purpose
    word: Word
    taken_back: bool = False
    """By a tombstone, which is nobody's word."""


class ConsentStage(Generic[Tx]):
    """Keeps which word of each subject holds for each purpose. It keeps nothing between batches."""

    def __init__(self, consents: ConsentStore[Tx], tags: Tags[Tx], secret: bytes, wire: Wire = JSON) -> None:
        """`secret` is the deployment's for marks (`privacy.marks`); `tags` of subjects are asked for by marks."""
        self._consents, self._tags = consents, tags
        self._secret = secret
        self._decode = wire.decoder(codec.CONSENT)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load: the words are in the database."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Let what prevails of the batch hold; return the rejections."""
        refused: list[Output] = []
        said: list[_Said] = []
        for record in batch.records:
            try:
                said.append(self._said(record))
            except Rejected as error:
                refused.append(Rejection.of(record, error))
        if said:
            await self._hold(said, tx)
        return refused

    async def _hold(self, said: Sequence[_Said], tx: Tx) -> None:
        erased = await self._consents.erased({each.whose for each in said}, tx)
        anew = {each.whose for each in said if not (_bring_nobody(each, erased) or each.taken_back)}
        known = {each.whose for each in said if each.whose in erased} - anew  # of whom no key is to be made
        tags, keyed = await self._tags.of(tx, {each.whose for each in said} - known)
        if known:
            tags = {**tags, **(await self._tags.of(tx, known, make=False)).tags}
        keys = [
            ConsentKey(each.whose[0], tags[each.whose], each.purpose) if each.whose in tags else None for each in said
        ]
        held = dict(await self._consents.load(set(filter(None, keys)), tx))
        changed: dict[ConsentKey, Word] = {}
        for each, key in zip(said, keys, strict=True):
            if key is None or _bring_nobody(each, erased):
                continue
            if each.taken_back and each.whose in erased and key not in held:
                continue  # the erasure's own tombstone: nothing of theirs comes back
            holds = prevailing(held.get(key), each.word)
            if holds != held.get(key):
                held[key] = changed[key] = holds
        if changed:
            await self._consents.save(changed, tx, keyed=keyed)

    def _said(self, record: Record) -> _Said:
        logged_at = instant_of(record.timestamp_ms)
        if record.value is None:  # taken back altogether: nothing may rest on it from now on
            return _Said(*self._key_of(record.key), Word(granted=False, asserted_at=logged_at), taken_back=True)
        event = self._decode(record.value)
        if record.key != f"{event.tenant}/{event.subject_ref}/{event.purpose}".encode():
            raise Rejected("key_mismatch", _KEY)
        try:
            word = told(event.granted, event.asserted_at, event.expires_at, logged_at)
        except OverflowError:
            raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
        if word.asserted_at < _EARLIEST:
            raise Rejected("schema_mismatch", "$.asserted_at: must lie in 1970 or later")
        return _Said(self._whose(event.tenant, event.subject_ref), Purpose(event.purpose), word)

    def _key_of(self, key: bytes | None) -> tuple[Whose, Purpose]:
        try:
            tenant, _, rest = (key or b"").decode().partition("/")
            subject_ref, _, purpose = rest.rpartition("/")
            named = Purpose(purpose)
        except ValueError:
            raise Rejected("key_mismatch", _KEY) from None
        if not tenant or not subject_ref or "\0" in tenant:
            raise Rejected("key_mismatch", _KEY)
        return self._whose(tenant, subject_ref), named

    def _whose(self, tenant: str, subject_ref: str) -> Whose:
        return tenant, subject_mark(self._secret, tenant, subject_ref)


def _bring_nobody(said: _Said, erased: Erased) -> bool:
    """Return whether it was said before its subject's erasure."""
    return brings_back(erased, said.whose, said.word.asserted_at)


_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
