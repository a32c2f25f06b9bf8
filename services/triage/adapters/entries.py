"""What people do with cases, as entries of the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from proofwatch.audit.entry import Actor, Entry, Object, Outcome
from proofwatch.audit.pending import act
from services.triage.core.assignments import CaseNow, Refusal

ASSIGNED: Final = "case.assigned"
RELEASED: Final = "case.released"
REFERRED: Final = "case.referred"
CLOSED: Final = "case.closed"
TRIAGE: Final = Actor("service", "triage")


def assigned(case: CaseNow, by: Actor, to: str, now: datetime) -> Entry:
    """Return the entry of a case that is given to a person, by themselves or by a checker."""
    return _entry(ASSIGNED, case.tenant, case.case_id, by, now, person_id=to)


def released(case: CaseNow, by: Actor, now: datetime) -> Entry:
    """Return the entry of a case that nobody works on any more."""
    return _entry(RELEASED, case.tenant, case.case_id, by, now, person_id=case.assignee)


def released_by_merge(case_id: str, tenant: str, person_id: str, at: datetime) -> Entry:
    """Return the same of a case that is closed since it is a part of another."""
    return _entry(RELEASED, tenant, case_id, TRIAGE, at, person_id=person_id, reason="the case is a part of another")


def referred(case: CaseNow, by: Actor, reason: str, now: datetime) -> Entry:
    """Return the entry of a case that the Research Group has from now on."""
    return _entry(REFERRED, case.tenant, case.case_id, by, now, reason=reason)


def closed(case: CaseNow, by: Actor, reason: str, now: datetime) -> Entry:
    """Return the entry of a case that a person closed."""
    return _entry(CLOSED, case.tenant, case.case_id, by, now, reason=reason)


def denied(action: str, case: CaseNow, by: Actor, refusal: Refusal, now: datetime) -> Entry:
    """Return the entry of what somebody wanted and may not."""
    return _entry(action, case.tenant, case.case_id, by, now, details={"why": refusal.why}, outcome="denied")


def _entry(
    action: str,
    tenant: str,
    case_id: str,
    by: Actor,
    now: datetime,
    *,
    person_id: str | None = None,
    reason: str = "",
    details: Mapping[str, str | int] | None = None,
    outcome: Outcome = "done",
) -> Entry:
    objects = (Object("case", case_id), *((Object("person", person_id),) if person_id else ()))
    return act(action, by, now, *objects, tenant=tenant, reason=reason, details=details, outcome=outcome)
