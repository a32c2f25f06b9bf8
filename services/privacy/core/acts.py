"""What is done for data subjects' rights, as entries of the audit log. A receipt names nobody (GDPR Art. 17, 5(2))."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

import msgspec

from proofwatch.audit.entry import Actor, Authority, Entry, Object, Sealed, person
from proofwatch.audit.pending import act
from proofwatch.governance.purposes import Purpose

REQUESTED: Final = "erasure.requested"
APPROVED: Final = "erasure.approved"
PREVIEWED: Final = "erasure.previewed"
WITHDRAWN: Final = "erasure.withdrawn"
REFUSED: Final = "erasure.refused"
ERASED: Final = "subject.erased"
REPEATED: Final = "subject.erased_again"
SEARCHED: Final = "subject.searched"
LISTED: Final = "privacy.listed"
HELD: Final = "hold.placed"
LIFTED: Final = "hold.lifted"
HOLD_PREVIEWED: Final = "hold.previewed"
PERMITTED: Final = "hold.use_permitted"
FORBIDDEN: Final = "hold.use_forbidden"
WRAPPED: Final = "keys.wrapped_anew"
MOVED: Final = "keys.tags_moved"
RESUMED: Final = "erasure.resumed"
RETIRED: Final = "retention.ran"
DESTROYED: Final = "keys.epoch_destroyed"
PRIVACY: Final = Actor("service", "privacy")


def listed(what: str, by: str, session_id: str, count: int, now: datetime) -> Entry:
    """Return the entry of a look at erasures or holds. They name nobody; their reasons may say much."""
    details: dict[str, str | int] = {"count": count, "identity": f"session {session_id}", "role": "privacy"}
    made = act(LISTED, person(by), now, Object("list", what), details=details, outcome="granted")
    return msgspec.structs.replace(made, purpose=Purpose.PROVIDE_FEATURES)


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
