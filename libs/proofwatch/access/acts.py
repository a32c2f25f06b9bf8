"""What people do with their access, as entries of the audit log. No name stands in one: people are their ids."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.roles import Role
from proofwatch.audit import pending
from proofwatch.audit.entry import SALT_BYTES, Actor, Entry, Object, Outcome, entry, person

ADDED: Final = "person.added"
ENROLLED: Final = "person.enrolled"
ROLES_GIVEN: Final = "person.roles_given"
REVOKED: Final = "person.revoked"
SIGNED_IN: Final = "access.signed_in"
SIGN_IN_REFUSED: Final = "access.sign_in_refused"
CONFIRMED: Final = "access.confirmed"
CONFIRM_REFUSED: Final = "access.confirm_refused"
SIGNED_OUT: Final = "access.signed_out"
SESSIONS_ENDED: Final = "access.sessions_ended"
ADDED_BY_PROVIDER: Final = "access.added_by_provider"
CHANGED_BY_PROVIDER: Final = "access.changed_by_provider"
ENDED_BY_PROVIDER: Final = "access.ended_by_provider"
MACHINE_ADDED: Final = "token.created"
MACHINE_REVOKED: Final = "token.revoked"
MACHINE_REFUSED: Final = "access.token_refused"

THE_HOUSE: Final = Actor("service", "access")
OPERATOR: Final = Actor("service", "operator")
"""Who has the database's own rights and no session: the first admin is added like this."""
RANDOM_BYTES: Final = 16 + SALT_BYTES

Why = Literal["unknown_name", "not_enrolled", "revoked", "wrong_password", "wrong_code", "used_code", "throttled"]


class By(NamedTuple):
    """Who does something to other people's access, and why."""

    actor: Actor
    reason: str = ""


def act(
    random: bytes,
    now: datetime,
    action: str,
    by: By,
    person_id: str | None,
    details: Mapping[str, str | int] | None = None,
    outcome: Outcome = "done",
    *,
    kind: str = "person",
) -> Entry:
    """Return the entry of an act on a person's access; `random`: `RANDOM_BYTES` for its id and its salt.

    `kind` token: on a machine's, whose id is `person_id`.
    """
    return entry(
        by.actor,
        action,
        random[:-SALT_BYTES].hex(),
        now.astimezone(UTC),
        random[-SALT_BYTES:],
        objects=(Object(kind, person_id),) if person_id else (),
        reason=by.reason,
        details=details,
        outcome=outcome,
    )


def denial(
    refused: NoSession | NotAllowed, action: str, now: datetime, *objects: Object, reason: str = ""
) -> tuple[Entry, ...]:
    """Return the entry of an act that somebody wanted and may not; none where no act was wanted yet.

    It is entered in a transaction of its own: that of the act is undone.
    """
    if isinstance(refused, NotAllowed) and refused.by is None:
        return ()
    by = person(refused.by) if isinstance(refused, NotAllowed) and refused.by else THE_HOUSE
    why, tenant = (refused.why, refused.tenant) if isinstance(refused, NotAllowed) else ("no_session", None)
    return (
        pending.act(action, by, now, *objects, tenant=tenant, reason=reason, details={"why": why}, outcome="denied"),
    )


def as_details(roles: Iterable[Role], tenants: Iterable[str] | None) -> dict[str, str]:
    """Return what somebody may, for the details of an entry."""
    return {"roles": " ".join(sorted(roles)), "tenants": "all" if tenants is None else " ".join(sorted(tenants))}
