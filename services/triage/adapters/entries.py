"""What people do with cases, as entries of the audit log. `draw`: what their ids and salts are of."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.audit.entry import Actor, Entry, Object, Outcome
from proofwatch.audit.pending import Draw, act
from proofwatch.governance.purposes import Purpose
from services.triage.core.assignments import CaseNow, Refusal

ASSIGNED: Final = "case.assigned"
RELEASED: Final = "case.released"
REFERRED: Final = "case.referred"
CLOSED: Final = "case.closed"
READ: Final = "cases.read"
TRIAGE: Final = Actor("service", "triage")


def assigned(case: CaseNow, by: Actor, to: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that is given to a person, by themselves or by a checker."""
    return _entry(ASSIGNED, case.tenant, case.case_id, by, now, person_id=to, draw=draw)


def released(case: CaseNow, by: Actor, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that nobody works on any more."""
    return _entry(RELEASED, case.tenant, case.case_id, by, now, person_id=case.assignee, draw=draw)


def released_by_merge(case_id: str, tenant: str, person_id: str, at: datetime) -> Entry:
    """Return the same of a case that is closed since it is a part of another."""
    return _entry(RELEASED, tenant, case_id, TRIAGE, at, person_id=person_id, reason="the case is a part of another")


def referred(case: CaseNow, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that the Research Group has from now on."""
    return _entry(REFERRED, case.tenant, case.case_id, by, now, reason=reason, draw=draw)


def closed(case: CaseNow, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that a person closed."""
    return _entry(CLOSED, case.tenant, case.case_id, by, now, reason=reason, draw=draw)


def read(by: Session, found: Sequence[CaseNow], case_id: str | None, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a look at cases: whose, how many, by which role. `case_id`: of the one that was asked for."""
    of = {each.tenant for each in found}
    return looked(by, len(found), of.pop() if len(of) == 1 else None, case_id, now, draw)


def looked(by: Session, cases: int, tenant: str | None, case_id: str | None, now: datetime, draw: Draw) -> Entry:
    """Return the same of a look at so many cases; `tenant`: whose they are, None: of several, or there are none."""
    role = " ".join(by.allowing(Act.READ_CASES))
    made = act(
        READ,
        by.actor,
        now,
        *((Object("case", case_id),) if case_id else ()),
        tenant=tenant,
        details={"cases": cases, "identity": by.identity, "role": role or "none"},
        outcome="granted" if role else "denied",
        draw=draw,
    )
    return msgspec.structs.replace(made, purpose=Purpose.PROVIDE_FEATURES)


def denied(action: str, case: CaseNow, by: Actor, refusal: Refusal, now: datetime, draw: Draw) -> Entry:
    """Return the entry of what somebody wanted and may not."""
    return _entry(action, case.tenant, case.case_id, by, now, details={"why": refusal.why}, outcome="denied", draw=draw)


def none_given(by: Actor, refusal: Refusal, now: datetime, draw: Draw) -> Entry:
    """Return the entry of somebody who asked for a next case and may have none."""
    return act(ASSIGNED, by, now, details={"why": refusal.why}, outcome="denied", draw=draw)


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
    draw: Draw = secrets.token_bytes,
) -> Entry:
    objects = (Object("case", case_id), *((Object("person", person_id),) if person_id else ()))
    return act(action, by, now, *objects, tenant=tenant, reason=reason, details=details, outcome=outcome, draw=draw)
