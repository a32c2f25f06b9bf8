"""Rows of the schema `access` as what they are, and the entries of what is done with them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from proofwatch.access import acts
from proofwatch.access.acts import By, Why
from proofwatch.access.judgement import Account, is_name
from proofwatch.access.roles import known
from proofwatch.access.session import Session
from proofwatch.audit.entry import person
from proofwatch.audit.pending import Draw, enter

_ACCOUNT: Final = """
select person_id, name, tenants, roles, password_hash, code_secret, code_step, revoked_at, issuer from access.people"""
_FOR_UPDATE: Final = " for update"


async def account_named(tx: Any, name: str, *, locked: bool = False) -> Account | None:
    """Return the account of that name. Locked, it opens no session, and is not changed, before the transaction ends."""
    if not is_name(name):  # nor is everything that people type text to PostgreSQL
        return None
    return _account(await tx.fetchrow(f"{_ACCOUNT} where name = $1{_FOR_UPDATE if locked else ''}", name))


async def account_locked(tx: Any, person_id: str) -> Account | None:
    """Return the account of a person, locked likewise."""
    return _account(await tx.fetchrow(f"{_ACCOUNT} where person_id = $1{_FOR_UPDATE}", person_id))


def session_in(row: Mapping[str, Any]) -> Session:
    """Return the session of a row."""
    return Session(
        session_id=row["session_id"],
        person_id=row["person_id"],
        tenants=_tenants(row),
        roles=known(row["roles"]),
        signed_in_at=row["signed_in_at"],
        mfa_at=row["mfa_at"],
        expires_at=row["expires_at"],
    )


async def entered(
    tx: Any, action: str, person_id: str, details: Mapping[str, str | int], now: datetime, draw: Draw
) -> None:
    """Enter what a person did with their own access."""
    by = By(person(person_id))
    await enter(tx, acts.act(draw(acts.RANDOM_BYTES), now, action, by, person_id, details))


async def refused(tx: Any, action: str, who: Account | None, why: Why, now: datetime, draw: Draw) -> None:
    """Enter that somebody was not let in. Who that was nobody knows: the house denied it, on this account or none."""
    random, person_id = draw(acts.RANDOM_BYTES), who.person_id if who else None
    await enter(tx, acts.act(random, now, action, By(acts.THE_HOUSE), person_id, {"why": why}, "denied"))


def _account(row: Mapping[str, Any] | None) -> Account | None:
    if row is None:
        return None
    return Account(
        person_id=row["person_id"],
        name=row["name"],
        tenants=_tenants(row),
        roles=frozenset(row["roles"]),
        password_hash=row["password_hash"],
        code_secret=row["code_secret"],
        code_step=row["code_step"],
        revoked_at=row["revoked_at"],
        issuer=row["issuer"],
    )


def _tenants(row: Mapping[str, Any]) -> frozenset[str] | None:
    """Return whose data it is about; None: every tenant's."""
    tenants = row["tenants"]
    return None if tenants is None else frozenset(tenants)
