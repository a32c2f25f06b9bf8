"""What leaves of one transaction: nothing, while the processing of its person's data is restricted (GDPR Art. 18)."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.exits.door import ASKED, Granted, of_output
from proofwatch.exits.table import Exit
from proofwatch.governance.release import NO_CONSENTS, UNDER_CONTRACT, Denied, Refused, decide
from proofwatch.privacy.restriction import (
    anybody_restricted,
    restricted_marks,
    restricted_subjects,
    restricted_transactions,
)

if TYPE_CHECKING:
    import asyncpg

_USER: Final = "exits"


async def require_unrestricted(
    pool: "asyncpg.Pool",
    exit_: Exit,
    granted: Granted,
    tenant: str,
    transaction_ids: Collection[str],
    subject_refs: Collection[str],
    secret: Callable[[], bytes],
    now: datetime,
) -> None:
    """Return if it may leave. Raises `Denied`, which is an entry, too, and `InvalidSecret` where it cannot be told.

    `subject_refs`: whose it is, as events say; `secret`: the deployment's, which is asked for where anybody of the
    tenant is restricted.
    """
    async with transaction(pool, _USER) as tx:
        subjects = await restricted_subjects(tx, tenant, secret)
        theirs = any(map(subjects.has, subject_refs)) or await restricted_transactions(tx, tenant, transaction_ids)
        refused = await _judged(tx, exit_, granted, tenant, bool(theirs), now)
    if refused:
        raise Denied(refused)


async def require_nobody_restricted(
    pool: "asyncpg.Pool", exit_: Exit, granted: Granted, tenant: str | None, now: datetime
) -> None:
    """Return if something may leave of which it is not known whose it is; `tenant` None: not even whose of.

    Raises as above.
    """
    async with transaction(pool, _USER) as tx:
        refused = await _judged(tx, exit_, granted, tenant, await anybody_restricted(tx, tenant), now)
    if refused:
        raise Denied(refused)


async def require_no_more_restricted(
    pool: "asyncpg.Pool", exit_: Exit, granted: Granted, tenant: str, known: Collection[str], now: datetime
) -> None:
    """Return if nobody of the tenant is restricted but those who were left out, by their marks. Raises as above."""
    async with transaction(pool, _USER) as tx:
        more = await restricted_marks(tx, tenant) - frozenset(known)
        refused = await _judged(tx, exit_, granted, tenant, bool(more), now)
    if refused:
        raise Denied(refused)


async def _judged(
    tx: Any, exit_: Exit, granted: Granted, tenant: str | None, restricted: bool, now: datetime
) -> Refused | None:
    found = decide(exit_.purpose, exit_.categories(), NO_CONSENTS, UNDER_CONTRACT, restricted=restricted)
    if not isinstance(found, Refused):
        return None
    made = of_output(granted, exit_, tenant, ASKED, {"why": found.reason.value}, now)
    await enter(tx, msgspec.structs.replace(made, outcome="denied"))
    return found
