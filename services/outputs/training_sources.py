"""Where a training set comes from: transactions of the topic, truth of the ledger, consents as they are in force."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.consent_words import in_force
from proofwatch.governance.consents import state_of
from proofwatch.privacy.marks import subject_mark
from proofwatch.privacy.restriction import restricted_marks
from services.outputs.core.training import PURPOSE, Stand, Truth

GROUP: Final = "export"  # never joined: only the view of what lies before a position is used
_TRUTH: Final = """
select transaction_id, pair_class, presentation_class, pair_probability, presentation_probability
from ledger.transactions
where tenant = $1 and transaction_id = any($2::text[]) and (pair_class is not null or presentation_class is not null)"""


class Proof(NamedTuple):
    """A transaction, and the mark of its subject."""

    event: Transaction
    mark: str


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
                    found.setdefault(key, Proof(event, subject_mark(secret, tenant, event.subject_ref)))
    return list(found.values())


async def truths(connection: Any, tenant: str, ids: Collection[str]) -> Mapping[str, Truth]:
    """Return what the ledger knows of transactions, by id."""
    rows = await connection.fetch(_TRUTH, tenant, sorted(ids))
    return {transaction_id: Truth(*rest) for transaction_id, *rest in map(tuple, rows)}


async def stands(
    connection: Any, tags: PostgresTags, tenant: str, marks: Collection[str], at: datetime
) -> Mapping[str, Stand]:
    """Return how each subject stands at an instant, by mark, for the set's purpose. Raises `Blocked`."""
    known = (await tags.of(connection, {(tenant, mark) for mark in marks}, make=False)).tags
    states = await in_force(connection, tenant, set(known.values()), at, PURPOSE)
    nothing = state_of(None, at)
    closed = await restricted_marks(connection, tenant)
    return {mark: Stand(states.get(known.get((tenant, mark), ""), nothing), mark in closed) for mark in marks}
