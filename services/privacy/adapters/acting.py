"""Who acts: somebody who is signed in, of the role privacy, for a tenant that is there for them."""

from datetime import datetime
from typing import Any

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.access.session import Session


async def acting(people: PostgresPeople, tx: Any, token: str, act: Act, now: datetime, tenant: str | None) -> Session:
    """Return the session, which holds until the transaction has ended. Raises `NoSession`, `NotAllowed`."""
    found = await people.session_of(token, now)
    held = await people.locked(tx, found.session_id, now) if found else None
    if held is None:
        raise NoSession
    if not held.may(act) or (tenant is not None and not held.sees(tenant)):
        raise NotAllowed(
            "this is for people of the role privacy, and of the tenant concerned; an admin gives roles and tenants"
        )
    return held


async def alone(tx: Any, tenant: str, mark: str) -> None:
    """Wait until nobody else decides about this person: holds and erasures do not pass each other."""
    await tx.execute("select pg_advisory_xact_lock(hashtextextended($1, 49))", f"{tenant}/{mark}")
