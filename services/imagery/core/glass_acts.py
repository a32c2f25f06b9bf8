"""What is entered of breaking the glass: asked, begun by a second person, ended; and each refusal."""

from datetime import datetime
from typing import Final

from msgspec import structs

from proofwatch.audit.entry import Actor, Authority, Entry, Object, Outcome, entry
from services.imagery.core.glass import Glass

ASKED: Final = "imagery.glass_asked"
BEGUN: Final = "imagery.glass_begun"
ENDED: Final = "imagery.glass_ended"


def act(
    action: str, by: Actor, glass: Glass, entry_id: str, at: datetime, salt: bytes, *, reason: str, code: str = ""
) -> Entry:
    """Return the entry of an act on what was asked for; `code`: why it was refused, or how it ended."""
    outcome: Outcome = "done" if action == ENDED else "denied" if code else "granted"
    details: dict[str, str | int] = {"uses_left": glass.uses_left} | ({"reason_code": code} if code else {})
    found = entry(
        by,
        action,
        entry_id,
        at,
        salt,
        objects=(Object("case", glass.case_id), Object("glass", glass.glass_id)),
        tenant=glass.tenant or None,
        reason=reason,
        details=details,
        outcome=outcome,
    )
    authority = Authority(None, glass.glass_id, glass.second_person)
    return structs.replace(found, purpose=glass.purpose, authority=authority)


def unknown(action: str, by: Actor, glass_id: str, entry_id: str, at: datetime, salt: bytes) -> Entry:
    """Return the entry of an act on what nobody asked for, or not for this person to touch."""
    objects = (Object("glass", glass_id),)
    return entry(by, action, entry_id, at, salt, objects=objects, details={"reason_code": "no_glass"}, outcome="denied")
