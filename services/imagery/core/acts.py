"""What the broker enters in the audit log: asked, intended, and what became of it.

An entry names person, case, lease and view. It names no transaction and no reference: which those were, the broker's
own tables say by the view's id, as long as the data subject is not erased.
"""

from datetime import datetime
from typing import Final

from msgspec import structs

from proofwatch.audit.entry import Actor, Authority, Entry, Object, Outcome, entry, person
from proofwatch.governance.purposes import Purpose
from services.imagery.core.facts import Request
from services.imagery.core.lease import Lease, View, ViewState

LEASE: Final = "imagery.lease"
INTENDED: Final = "imagery.view_intended"
ENDED: Final = "imagery.view_ended"
THE_BROKER: Final = Actor("service", "imagery")
_OUTCOMES: Final[dict[ViewState, Outcome]] = {
    "delivered": "done",
    "withheld": "denied",
    "undelivered": "failed",
    "presumed_seen": "done",
}


def asked(request: Request, entry_id: str, salt: bytes, policy: str, lease: Lease | None, reason_code: str) -> Entry:
    """Return the entry of a lease that was asked for: granted with its id, or denied with the reason."""
    objects = [Object("case", request.case.case_id)]
    if lease:
        objects.append(Object("lease", lease.lease_id))
    if request.glass_id:
        objects.append(Object("glass", request.glass_id))
    if request.imagery.restricted_by:  # why it is refused, or by what it is permitted all the same
        objects.append(Object("hold", request.imagery.restricted_by))
    details: dict[str, str | int] = {"act": request.act}
    if reason_code:
        details["reason_code"] = reason_code
    found = entry(
        person(request.viewer.person_id),
        LEASE,
        entry_id,
        request.at,
        salt,
        objects=tuple(objects),
        tenant=request.case.tenant or None,
        reason=request.reason,
        details=details,
        outcome="denied" if lease is None else "granted",
    )
    return _under(found, request.purpose, policy, lease.lease_id if lease else None, request.second_person)


def intended(lease: Lease, view: View, salt: bytes, policy: str) -> Entry:
    """Return the entry that must have left before a byte is fetched. Its id is the view's."""
    objects: tuple[Object, ...] = (
        Object("case", lease.case_id),
        Object("lease", lease.lease_id),
        Object("view", view.view_id),
    )
    if lease.glass_id:
        objects += (Object("glass", lease.glass_id),)
    found = entry(
        person(view.person_id),
        INTENDED,
        view.view_id,
        view.intended_at,
        salt,
        objects=objects,
        tenant=lease.tenant,
        reason=lease.reason,
        details={"sharp": int(view.sharp)},
        outcome="granted",
    )
    return _under(found, lease.purpose, policy, lease.lease_id)


def refused_view(person_id: str, lease_id: str, code: str, entry_id: str, at: datetime, salt: bytes) -> Entry:
    """Return the entry of a view that was not begun."""
    return entry(
        person(person_id),
        INTENDED,
        entry_id,
        at,
        salt,
        objects=(Object("lease", lease_id),),
        details={"reason_code": code},
        outcome="denied",
    )


def over(view: View, state: ViewState, code: str, sent: int, at: datetime, salt: bytes) -> Entry:
    """Return the entry of what became of a view. One that nobody ended counts as seen."""
    return entry(
        THE_BROKER,
        ENDED,
        f"{view.view_id}/ended",
        at,
        salt,
        objects=(Object("lease", view.lease_id), Object("view", view.view_id)),
        details={"state": state, "bytes": sent} | ({"reason_code": code} if code else {}),
        outcome=_OUTCOMES[state],
    )


def _under(found: Entry, purpose: Purpose, policy: str, grant: str | None, second: str | None = None) -> Entry:
    return structs.replace(found, purpose=purpose, authority=Authority(policy, grant, second))
