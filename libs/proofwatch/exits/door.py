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
from proofwatch.access.roles import TABLE, Act
from proofwatch.audit.entry import SALT_BYTES, Actor, Entry, Object, entry, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.command_line.session_file import token_in
from proofwatch.exits.asking import Asking, NotSaid
from proofwatch.exits.standing import Days, Standing, standing
from proofwatch.exits.table import Exit
from proofwatch.governance.release import NO_CONSENTS, Denied, Refused, Released, decide
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock

if TYPE_CHECKING:
    import asyncpg

ASKED: Final = "data.asked"
_USER: Final = "exits"


class Granted(NamedTuple):
    """Who may have what was asked for, on which basis, and the entry that says so."""

    actor: Actor
    released: Released
    entry_id: str


class _Named(NamedTuple):
    actor: Actor
    identity: str
    why: str = ""
    denied: AccessDenied | None = None


async def admitted(
    pool: "asyncpg.Pool",
    settings: GovernanceSettings,
    exit_: Exit,
    tenant: str,
    asking: Asking,
    clock: Clock,
    *,
    bootstrap: str | None = None,
    days: Days | None = None,
    transaction_id: str | None = None,
) -> Granted:
    """Return once it is on record that this may leave. Raises those of `exits.refusals`, and `BusError`.

    `days`, `transaction_id`: what it is about, where it is about less than a tenant.
    """
    found = await standing(settings, tenant, clock, bootstrap=bootstrap, days=days)
    return await ask(pool, exit_, tenant, asking, found, instant_of(clock.now_ms()), transaction_id=transaction_id)


async def ask(
    pool: "asyncpg.Pool",
    exit_: Exit,
    tenant: str,
    asking: Asking,
    found: Standing,
    now: datetime,
    *,
    transaction_id: str | None = None,
) -> Granted:
    """Return the same by what is known to be in force. The entry is committed when this returns or raises."""
    named = await _named(pool, exit_.act, tenant, asking, now)
    decided = decide(exit_.purpose, exit_.categories(), NO_CONSENTS, found.bases)
    details: dict[str, str] = {"identity": named.identity, "contract": found.contract}
    details["categories"] = " ".join(sorted(exit_.categories()))
    if isinstance(decided, Released):
        details["basis"] = decided.basis
    if why := named.why or (decided.reason.value if isinstance(decided, Refused) else ""):
        details["why"] = why
    made = _entry(exit_, tenant, asking, named.actor, details, now, transaction_id)
    async with transaction(pool, _USER) as tx:
        await enter(tx, made)
    if named.denied:
        raise named.denied
    if isinstance(decided, Refused):
        raise Denied(decided)
    return Granted(named.actor, decided, made.entry_id)


def commitment(salt: bytes, tenant: str, transaction_id: str) -> str:
    """Return what an entry says of the transaction that it is about: SHA-256 over the entry's salt and its name.

    Whoever knows the transaction finds the entries about it; who has the log alone finds no transaction.
    """
    return hashlib.sha256(b"\x00".join((salt, tenant.encode(), transaction_id.encode()))).hexdigest()


def of_output(
    granted: Granted,
    exit_: Exit,
    tenant: str,
    action: str,
    details: Mapping[str, str | int],
    now: datetime,
    reason: str = "",
) -> Entry:
    """Return the entry of what was made of what the door let through, such as its hash."""
    about = Object("entry", granted.entry_id)
    made = act(action, granted.actor, now, about, tenant=tenant, reason=reason, details=details)
    return msgspec.structs.replace(made, purpose=exit_.purpose)


async def _named(pool: Any, act: Act, tenant: str, asking: Asking, now: datetime) -> _Named:
    if asking.session is None:
        return _Named(person(asking.by), "stated")
    try:
        from proofwatch.access.postgres import PostgresPeople  # sessions belong to an extra; a stated name needs none
    except ModuleNotFoundError as error:
        raise NotSaid(f"--as needs {error.name}: pip install 'proofwatch[access]'; or say --by NAME") from None
    session = await PostgresPeople(pool).session_of(token_in(asking.session), now)
    if session is None:
        return _Named(THE_HOUSE, "none", "no_session", NoSession())
    named = _Named(person(session.person_id), f"session {session.session_id}")
    if not session.may(act):
        roles = " or ".join(sorted(role for role, acts in TABLE.items() if act in acts))
        denied = NotAllowed(f"this is for the role {roles}, which you do not have: ask somebody who has it")
        return named._replace(why="role_missing", denied=denied)
    if not session.sees(tenant):
        denied = NotAllowed(f"the data of {tenant} is not there for you: an admin gives tenants (`people roles`)")
        return named._replace(why="tenant_not_theirs", denied=denied)
    return named


def _entry(
    exit_: Exit,
    tenant: str,
    asking: Asking,
    actor: Actor,
    details: dict[str, str],
    now: datetime,
    transaction_id: str | None,
) -> Entry:
    salt = secrets.token_bytes(SALT_BYTES)
    if transaction_id is not None:
        details["transaction_sha256"] = commitment(salt, tenant, transaction_id)
    made = entry(
        actor,
        ASKED,
        secrets.token_hex(16),
        now,
        salt,
        objects=(Object("exit", exit_.name),),
        tenant=tenant,
        reason=asking.reason,
        details=details,
        outcome="denied" if "why" in details else "granted",
    )
    return msgspec.structs.replace(made, purpose=exit_.purpose)
