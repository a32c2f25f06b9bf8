"""The one door: who asks is known, purpose and categories are judged, and the answer is on record before anything is
read. What is refused is an entry as well; without the entry nothing is given out.
"""

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from proofwatch.access.acts import THE_HOUSE
from proofwatch.access.errors import AccessDenied, NoSession, NotAllowed
from proofwatch.access.roles import TABLE
from proofwatch.access.session import Session
from proofwatch.audit.entry import SALT_BYTES, Actor, Entry, Object, entry, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.command_line.session_file import token_in
from proofwatch.exits.asking import Asking, NotSaid
from proofwatch.exits.standing import OF_THE_PLATFORM, Days, Standing, standing
from proofwatch.exits.table import Exit
from proofwatch.governance.release import NO_CONSENTS, Denied, Refused, Released, decide
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock

if TYPE_CHECKING:
    import asyncpg

ASKED: Final = "data.asked"
_USER: Final = "exits"


class SignedIn(NamedTuple):
    """Who asks by a session that the caller of the door has looked up itself, such as a browser's."""

    who: Session
    reason: str = ""


class Granted(NamedTuple):
    """Who may have what was asked for, on which basis, and the entry that says so.

    `tenants`: which are there for them; None: all.
    """

    actor: Actor
    released: Released
    entry_id: str
    role: str
    tenants: frozenset[str] | None = None

    def sees(self, tenant: str) -> bool:
        """Return whether they may know that there is such a tenant."""
        return self.tenants is None or tenant in self.tenants


class _Named(NamedTuple):
    actor: Actor
    identity: str
    role: str
    """The roles of a session that allow it; of who states a name, the database's own."""
    why: str = ""
    denied: AccessDenied | None = None
    tenants: frozenset[str] | None = None


async def admitted(
    pool: "asyncpg.Pool",
    settings: GovernanceSettings,
    exit_: Exit,
    tenant: str | None,
    asking: Asking,
    clock: Clock,
    *,
    bootstrap: str | None = None,
    days: Days | None = None,
    transaction_id: str | None = None,
    found: Standing | None = None,
    about: tuple[Object, ...] = (),
) -> Granted:
    """Return once it is on record that this may leave. Raises those of `exits.refusals`, and `BusError`.

    `tenant` None: it is about the whole deployment, for who sees every tenant. `days`, `transaction_id`, `about`: what
    it is about, where it is about less than a tenant. `found`: what is in force, where it is known already.
    """
    if found is None:
        found = OF_THE_PLATFORM
        if tenant is not None:
            found = await standing(settings, tenant, clock, bootstrap=bootstrap, days=days)
    now = instant_of(clock.now_ms())
    return await ask(pool, exit_, tenant, asking, found, now, transaction_id=transaction_id, about=about)


async def ask(
    pool: "asyncpg.Pool",
    exit_: Exit,
    tenant: str | None,
    asking: Asking | SignedIn,
    found: Standing,
    now: datetime,
    *,
    transaction_id: str | None = None,
    about: tuple[Object, ...] = (),
) -> Granted:
    """Return the same by what is known to be in force. The entry is committed when this returns or raises."""
    named = await _named(pool, exit_, tenant, asking, now)
    decided = decide(exit_.purpose, exit_.categories(), NO_CONSENTS, found.bases)
    details: dict[str, str] = {"identity": named.identity, "role": named.role, "contract": found.contract}
    details["categories"] = " ".join(sorted(exit_.categories()))
    if isinstance(decided, Released):
        details["basis"] = decided.basis
    if why := named.why or (decided.reason.value if isinstance(decided, Refused) else ""):
        details["why"] = why
    made = _entry(exit_, tenant, asking, named.actor, details, now, transaction_id, about)
    async with transaction(pool, _USER) as tx:
        await enter(tx, made)
    if named.denied:
        raise named.denied
    if isinstance(decided, Refused):
        raise Denied(decided)
    return Granted(named.actor, decided, made.entry_id, named.role, named.tenants)


def commitment(salt: bytes, tenant: str, transaction_id: str) -> str:
    """Return what an entry says of the transaction that it is about: SHA-256 over the entry's salt and its name.

    Whoever knows the transaction finds the entries about it; who has the log alone finds no transaction.
    """
    return hashlib.sha256(b"\x00".join((salt, tenant.encode(), transaction_id.encode()))).hexdigest()


def of_output(
    granted: Granted,
    exit_: Exit,
    tenant: str | None,
    action: str,
    details: Mapping[str, str | int],
    now: datetime,
    reason: str = "",
) -> Entry:
    """Return the entry of what was made of what the door let through, such as its hash."""
    about = Object("entry", granted.entry_id)
    made = act(action, granted.actor, now, about, tenant=tenant, reason=reason, details=details)
    return msgspec.structs.replace(made, purpose=exit_.purpose)


def through(made: Entry, granted: Granted, exit_: Exit) -> Entry:
    """Return the entry of an act that the door let through: by whom, for what, by which role, and whence it is known.

    `made`: the entry as the act has it.
    """
    objects = (*made.objects, Object("entry", granted.entry_id))
    details = {**made.details, "role": granted.role}
    return msgspec.structs.replace(
        made, actor=granted.actor, purpose=exit_.purpose, objects=objects, details=dict(sorted(details.items()))
    )


async def _named(pool: Any, exit_: Exit, tenant: str | None, asking: Asking | SignedIn, now: datetime) -> _Named:
    if isinstance(asking, SignedIn):
        return _of_session(asking.who, exit_, tenant)
    if asking.session is None:
        async with session(pool, _USER) as connection:
            return _Named(person(asking.by), "stated", f"database {await connection.fetchval('select current_user')}")
    try:
        from proofwatch.access.postgres import PostgresPeople  # sessions belong to an extra; a stated name needs none
    except ModuleNotFoundError as error:
        raise NotSaid(f"--as needs {error.name}: pip install 'proofwatch[access]'; or say --by NAME") from None
    who = await PostgresPeople(pool).session_of(token_in(asking.session), now)
    if who is None:
        return _Named(THE_HOUSE, "none", "none", "no_session", NoSession())
    return _of_session(who, exit_, tenant)


def _of_session(who: Session, exit_: Exit, tenant: str | None) -> _Named:
    from proofwatch.exits.rights import shipped_rights  # its engine belongs to the same extra

    held = " ".join(who.allowing(exit_.act)) or " ".join(sorted(who.roles or who.scopes)) or "none"
    named = _Named(who.actor, who.identity, held, tenants=who.tenants)
    holds = who.roles if who.machine is None else who.scopes
    machine = who.machine is not None
    why = shipped_rights().refusal(exit_.act, holds, who.tenants, tenant, own=exit_.own, machine=machine)
    return named if why is None else named._replace(why=why, denied=NotAllowed(_sentence(why, exit_, tenant)))


def _sentence(why: str, exit_: Exit, tenant: str | None) -> str:
    """Return what is told to who is not let through."""
    if why == "tenant_not_theirs" and tenant is None:
        return "this is about every tenant, and some are there for you: ask somebody who has all of them"
    if why == "tenant_not_theirs":
        return f"the data of {tenant} is not there for you: an admin gives tenants (`people roles`)"
    if why == "not_decidable":
        return "whether you may could not be evaluated, so you are not let through: tell the operator"
    roles = " or ".join(sorted(role for role, acts in TABLE.items() if exit_.act in acts))
    return f"this is for the role {roles}, which you do not have: ask somebody who has it"


def _entry(
    exit_: Exit,
    tenant: str | None,
    asking: Asking | SignedIn,
    actor: Actor,
    details: dict[str, str],
    now: datetime,
    transaction_id: str | None,
    about: tuple[Object, ...],
) -> Entry:
    salt = secrets.token_bytes(SALT_BYTES)
    if transaction_id is not None and tenant is not None:
        details["transaction_sha256"] = commitment(salt, tenant, transaction_id)
    made = entry(
        actor,
        ASKED,
        secrets.token_hex(16),
        now,
        salt,
        objects=(Object("exit", exit_.name), *about),
        tenant=tenant,
        reason=asking.reason,
        details=details,
        outcome="denied" if "why" in details else "granted",
    )
    return msgspec.structs.replace(made, purpose=exit_.purpose)
