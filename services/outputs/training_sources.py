"""Where a training set comes from: transactions of the topic, truth of the ledger, consents as they are in force."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.consents import Word, state_of
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.governance.purposes import Purpose
from proofwatch.governance.release import ConsentState
from services.outputs.core.training import PURPOSE, Truth

GROUP: Final = "export"  # never joined: only the view of what lies before a position is used
_CONSENTS: Final = """
select subject_tag, granted, asserted_at, expires_at from consents.words
where tenant = $1 and purpose = $2 and subject_tag = any($3::text[])"""
_POSITIONS: Final = "select partition, position from consents.fence where topic = $1"
_TRUTH: Final = """
select transaction_id, pair_class, presentation_class, pair_probability, presentation_probability
from ledger.transactions
where tenant = $1 and transaction_id = any($2::text[]) and (pair_class is not null or presentation_class is not null)"""


class ConsentsBehind(Exception):
    """Words of data subjects are on the topic that nobody has read yet; one may be a withdrawal."""


class Proof(NamedTuple):
    """A transaction, and the tag of its subject."""

    event: Transaction
    tag: str


async def transactions(bus: Bus, tenant: str, since_ms: int, secret: bytes, wire: Wire = JSON) -> list[Proof]:
    """Return each attempt of the tenant once, as logged from `since_ms` on. Raises `BusError`."""
    decode, found = wire.decoder(TRANSACTION), dict[tuple[str, str | None, datetime | None], Proof]()
    prefix = f"{tenant}/".encode()
    for at, end in sorted((await bus.ends(topics.TRANSACTIONS)).items()):
        history = bus.consumer(GROUP, [topics.TRANSACTIONS]).history(TopicPartition(topics.TRANSACTIONS, at), end)
        async for records in history.since(since_ms):
            own = [record for record in records if (record.key or b"").startswith(prefix)]
            await wire.prepare(record.value for record in own)
            for record in own:
                try:
                    event = decode(record.value)
                except Rejected:
                    continue  # a dead letter of the scorer
                if event.tenant == tenant and record.key == f"{tenant}/{event.subject_ref}".encode():
                    attempt = event.occurred_at if event.attempt_id is None else None
                    key = (event.transaction_id, event.attempt_id, attempt)
                    found.setdefault(key, Proof(event, subject_tag(secret, tenant, event.subject_ref)))
    return list(found.values())


async def truths(connection: Any, tenant: str, ids: Collection[str]) -> Mapping[str, Truth]:
    """Return what the ledger knows of transactions, by id."""
    rows = await connection.fetch(_TRUTH, tenant, sorted(ids))
    return {transaction_id: Truth(*rest) for transaction_id, *rest in map(tuple, rows)}


async def consents(
    connection: Any, tenant: str, tags: Collection[str], at: datetime, purpose: Purpose = PURPOSE
) -> Mapping[str, ConsentState]:
    """Return what is in force of each subject at an instant, by tag."""
    rows = await connection.fetch(_CONSENTS, tenant, purpose.value, sorted(tags))
    held = {tag: Word(*rest) for tag, *rest in map(tuple, rows)}
    return {tag: state_of(held.get(tag), at) for tag in tags}


async def require_read(connection: Any, bus: Bus) -> None:
    """Return when every word on the consents topic is in the database. Raises `ConsentsBehind`, `BusError`."""
    positions = {row[0]: row[1] or 0 for row in map(tuple, await connection.fetch(_POSITIONS, topics.CONSENTS))}
    for at in sorted(await bus.ends(topics.CONSENTS)):
        async for record in bus.read(TopicPartition(topics.CONSENTS, at), positions.get(at, 0)):
            raise ConsentsBehind(
                f"{topics.CONSENTS}/{at} has records from offset {record.offset} on that `proofwatch run consents` has "
                "not read; one may be a withdrawal. Start it, or wait until it has come up, and export again"
            )
