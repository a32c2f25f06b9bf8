"""What is done for data subjects' rights, as entries of the audit log. A receipt names nobody (GDPR Art. 17, 5(2))."""

import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

import msgspec

from proofwatch.audit.entry import SALT_BYTES, Actor, Authority, Entry, Object, Outcome, Sealed, entry

REQUESTED: Final = "erasure.requested"
APPROVED: Final = "erasure.approved"
PREVIEWED: Final = "erasure.previewed"
WITHDRAWN: Final = "erasure.withdrawn"
REFUSED: Final = "erasure.refused"
ERASED: Final = "subject.erased"
REPEATED: Final = "subject.erased_again"
SEARCHED: Final = "subject.searched"
HELD: Final = "hold.placed"
LIFTED: Final = "hold.lifted"
WRAPPED: Final = "keys.wrapped_anew"
DESTROYED: Final = "keys.epoch_destroyed"
PRIVACY: Final = Actor("service", "privacy")


def person(person_id: str) -> Actor:
    """Return a person as who acts."""
    return Actor("person", person_id)


def act(
    action: str,
    by: Actor,
    now: datetime,
    *objects: Object,
    tenant: str | None = None,
    reason: str = "",
    details: Mapping[str, str | int] | None = None,
    outcome: Outcome = "done",
) -> Entry:
    """Return the entry of an act."""
    return entry(
        by,
        action,
        secrets.token_hex(16),
        now.astimezone(UTC),
        secrets.token_bytes(SALT_BYTES),
        objects=objects,
        tenant=tenant,
        reason=reason,
        details=details,
        outcome=outcome,
    )


def with_sealed(made: Entry, part: Sealed) -> Entry:
    """Return the entry with what is personal of it, sealed."""
    return msgspec.structs.replace(made, sealed=part)


def receipt(
    erasure_id: str,
    tenant: str,
    requested_by: str,
    approved_by: str,
    now: datetime,
    forgotten: date,
    figures: Mapping[str, int],
) -> Entry:
    """Return the receipt: what was done, by when the last topic has forgotten, what cannot be called back."""
    details: dict[str, str | int] = {"forgotten_by": forgotten.isoformat(), **figures}
    made = act(ERASED, person(approved_by), now, Object("erasure", erasure_id), tenant=tenant, details=details)
    return msgspec.structs.replace(made, authority=Authority(None, None, requested_by))
