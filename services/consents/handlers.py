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
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.governance.purposes import Purpose
from proofwatch.instants import instant_of
from proofwatch.privacy.suppression import brings_back
from services.consents.ports import ConsentStore

Tx = TypeVar("Tx")
_KEY: Final = "the record's key must be tenant/subject_ref/purpose in UTF-8, as in the event"


class _Said(NamedTuple):
    key: ConsentKey
    word: Word
    taken_back: bool = False
    """By a tombstone, which is nobody's word."""


class ConsentStage(Generic[Tx]):
    """Keeps which word of each subject holds for each purpose. It keeps nothing between batches."""

    def __init__(self, consents: ConsentStore[Tx], secret: bytes, wire: Wire = JSON) -> None:
        """`secret` is the deployment's for subject tags (`governance.pseudonyms`)."""
        self._consents = consents
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
            held = dict(await self._consents.load({each.key for each in said}, tx))
            erased = await self._consents.erased({(each.key.tenant, each.key.subject_tag) for each in said}, tx)
            changed: dict[ConsentKey, Word] = {}
            for key, word, taken_back in said:
                whose = key.tenant, key.subject_tag
                if brings_back(erased, whose, word.asserted_at) or (taken_back and whose in erased and key not in held):
                    continue  # said before the erasure, or the erasure's own tombstone: nothing of theirs comes back
                holds = prevailing(held.get(key), word)
                if holds != held.get(key):
                    held[key] = changed[key] = holds
            if changed:
                await self._consents.save(changed, tx)
        return refused

    def _said(self, record: Record) -> _Said:
        logged_at = instant_of(record.timestamp_ms)
        if record.value is None:  # taken back altogether: nothing may rest on it from now on
            return _Said(self._key_of(record.key), Word(granted=False, asserted_at=logged_at), taken_back=True)
        event = self._decode(record.value)
        if record.key != f"{event.tenant}/{event.subject_ref}/{event.purpose}".encode():
            raise Rejected("key_mismatch", _KEY)
        try:
            word = told(event.granted, event.asserted_at, event.expires_at, logged_at)
        except OverflowError:
            raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
        if word.asserted_at < _EARLIEST:
            raise Rejected("schema_mismatch", "$.asserted_at: must lie in 1970 or later")
        return _Said(self._key(event.tenant, event.subject_ref, event.purpose), word)

    def _key_of(self, key: bytes | None) -> ConsentKey:
        try:
            tenant, _, rest = (key or b"").decode().partition("/")
            subject_ref, _, purpose = rest.rpartition("/")
            named = Purpose(purpose)
        except ValueError:
            raise Rejected("key_mismatch", _KEY) from None
        if not tenant or not subject_ref or "\0" in tenant:
            raise Rejected("key_mismatch", _KEY)
        return self._key(tenant, subject_ref, named)

    def _key(self, tenant: str, subject_ref: str, purpose: str) -> ConsentKey:
        return ConsentKey(tenant, subject_tag(self._secret, tenant, subject_ref), Purpose(purpose))


_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
