"""Who acts: somebody who is signed in, of the role privacy, for a tenant that is there for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.acts import denial
from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.audit.entry import Object
from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import transaction

if TYPE_CHECKING:
    import asyncpg

USER: Final = "privacy"


class ActRefused(Exception):
    """Somebody may act, and what they want is not possible; the message says why and what would be right.

    `why`: the same in a word; `by`: the id of their account, for the entry of the refusal; None: nobody wanted an act
    that could be entered. `tenant`: whose data it was about; None: that is not known.
    """

    def __init__(self, message: str, why: str, by: str | None = None, tenant: str | None = None) -> None:
        super().__init__(message)
        self.why, self.by, self.tenant = why, by, tenant


@asynccontextmanager
async def deciding(
    pool: "asyncpg.Pool", action: str, now: datetime, *objects: Object, reason: str = ""
) -> AsyncIterator[Any]:
    """Give the transaction of an act; what is refused is on record, as denied, in a transaction of its own."""
    try:
        async with transaction(pool, USER) as tx:
            yield tx
    except (NoSession, NotAllowed) as error:
        async with transaction(pool, USER) as tx:
            await enter(tx, *denial(error, action, now, *objects, reason=reason))
        raise
    except ActRefused as error:
        told = NotAllowed(str(error), error.by, error.why, error.tenant)
        async with transaction(pool, USER) as tx:
            await enter(tx, *denial(told, action, now, *objects, reason=reason))
        raise


async def acting(people: PostgresPeople, tx: Any, token: str, act: Act, now: datetime, tenant: str | None) -> Session:
    """Return the session, which holds until the transaction has ended. Raises `NoSession`, `NotAllowed`."""
    found = await people.session_of(token, now)
    held = await people.locked(tx, found.session_id, now) if found else None
    if held is None:
        raise NoSession
    may = held.may(act)
    if not may or (tenant is not None and not held.sees(tenant)):
        raise NotAllowed(
            "this is for people of the role privacy, and of the tenant concerned; an admin gives roles and tenants",
            held.person_id,
            "tenant_not_theirs" if may else "role_missing",
            tenant,
        )
    return held


async def alone(tx: Any, tenant: str, mark: str) -> None:
    """Wait until nobody else decides about this person: holds and erasures do not pass each other."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 49))", f"{tenant}/{mark}")
