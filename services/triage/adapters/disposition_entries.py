"""What people find cases to be, and how they let them rest, as entries of the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from proofwatch.audit.entry import Actor, Entry, Object
from proofwatch.audit.pending import Draw, act
from services.triage.core.assignments import CaseNow
from services.triage.core.dispositions import Finding, Proposal
from services.triage.core.life import Stage

PROPOSED: Final = "case.proposed"
DECIDED: Final = "case.decided"
REJECTED: Final = "case.rejected"
VOIDED: Final = "case.voided"
STAGED: Final = "case.staged"
RESTED: Final = "case.rested"
REOPENED: Final = "case.reopened"
REREVIEWED: Final = "case.rereviewed"


def proposed(case: CaseNow, by: Actor, finding: Finding, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a finding that waits for a second person."""
    return _entry(PROPOSED, case, by, now, draw, reason=finding.reason, details=_said(finding))


def decided(
    case: CaseNow, by: Actor, finding: Finding, approved: Proposal | None, labels: int, now: datetime, draw: Draw
) -> Entry:
    """Return the entry of what a case was found to be; `approved`: what another had proposed."""
    details = _said(finding) | {"labels": labels, "people": 2 if approved else 1}
    whose = (Object("person", approved.proposed_by),) if approved else ()
    return _entry(DECIDED, case, by, now, draw, *whose, reason=finding.reason, details=details)


def rereviewed(case: CaseNow, by: Actor, finding: Finding, now: datetime, draw: Draw, *, differs: bool) -> Entry:
    """Return the entry of what somebody found who did not know what a case was found to be."""
    details = _said(finding) | {"differs": "yes" if differs else "no"}
    return _entry(REREVIEWED, case, by, now, draw, reason=finding.reason, details=details)


def rejected(case: CaseNow, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a proposal that a checker sent back."""
    assert case.pending is not None, "nothing else is sent back"
    whose = Object("person", case.pending.proposed_by)
    return _entry(REJECTED, case, by, now, draw, whose, reason=reason, details=_said(case.pending.finding))


def voided(case: CaseNow, by: Actor, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a proposal that was made on other evidence than there is; `by`: who wanted to approve it."""
    assert case.pending is not None, "nothing else is void"
    whose = Object("person", case.pending.proposed_by)
    return _entry(VOIDED, case, by, now, draw, whose, details=_said(case.pending.finding))


def staged(case: CaseNow, by: Actor, stage: Stage, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that came to a stage."""
    return _entry(STAGED, case, by, now, draw, reason=reason, details={"stage": stage})


def rested(case: CaseNow, by: Actor, until: datetime | None, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that rests; None: it does no more."""
    details = {"until": until.isoformat() if until else "now"}
    return _entry(RESTED, case, by, now, draw, reason=reason, details=details)


def reopened(case: CaseNow, by: Actor, reason: str, now: datetime, draw: Draw) -> Entry:
    """Return the entry of a case that somebody opened anew."""
    return _entry(REOPENED, case, by, now, draw, reason=reason)


def _said(finding: Finding) -> dict[str, str | int]:
    said = {"verdict": finding.verdict, "attack": finding.attack, "species": finding.species}
    return {name: value for name, value in said.items() if value is not None}


def _entry(
    action: str,
    case: CaseNow,
    by: Actor,
    now: datetime,
    draw: Draw,
    *objects: Object,
    reason: str = "",
    details: Mapping[str, str | int] | None = None,
) -> Entry:
    of = Object("case", case.case_id), *objects
    return act(action, by, now, *of, tenant=case.tenant, reason=reason, details=details, draw=draw)
