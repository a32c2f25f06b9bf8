"""What a case asks of people, by what opened it and what came since."""

from typing import get_args

import pytest

from proofwatch.events.enumerations import IncidentAction, SuspicionReason
from services.triage.core.cases import Case, advance
from services.triage.core.due import Due
from services.triage.core.signals import Signal, from_incident, from_suspicion
from services.triage.core.tasks import TABLE, TASKS, of_action, of_kind, of_reason
from tests.unit.triage.events import AT, incident, suspicion

_TAG = "0" * 32


def after(*signals: Signal) -> Case:
    case: Case | None = None
    for each in signals:
        case = advance(case, each, AT, escalate_at_reasons=9).case or case
    assert case is not None
    return case


def test_each_next_step_and_each_reason_leads_to_a_task_that_says_whose_it_is() -> None:
    """None is without words for people."""
    found = {of_action(each) for each in get_args(IncidentAction)} | {of_reason(e) for e in get_args(SuspicionReason)}
    assert found | {of_kind(each) for each in ("subject", "cluster", "access", "incident", "cohort")} == set(TASKS)
    assert all(len(text) > 5 for each in TABLE.values() for text in each)


def test_a_persons_case_is_the_gravest_of_what_its_suspicions_ask_for() -> None:
    """A liveness failure may be an attack, and leads, whichever came first; a later lighter one takes nothing back."""
    match, live, fast = (
        from_suspicion(suspicion(number, reason=reason), _TAG)
        for number, reason in enumerate(
            ("match_far_below_threshold", "liveness_far_below_threshold", "device_velocity"), 1
        )
    )
    assert after(fast).task == "subject_suspicion"
    assert after(fast, match).task == after(match, fast).task == "manual_kyc_review"
    assert after(match, live, fast).task == after(live, match).task == "fraud_analyst_review"


def test_an_incident_asks_for_its_next_step_and_for_nothing_else_once_it_is_over() -> None:
    """A graver finding may ask for more; the end asks for what was asked."""
    begun = from_incident(incident(1, action="incident_review"))
    worse = from_incident(incident(2, action="system_audit_and_fraud_investigation"))
    over = from_incident(incident(3, state="ended", change="ended", ended_by="within", action="incident_review"))
    assert after(begun).task == "incident_review"
    assert after(begun, worse).task == after(begun, worse, over).task == "system_audit"


@pytest.mark.parametrize(
    ("text", "seconds"), [("subject=1d", 86_400), ("subject=1d,manual_kyc_review=2d", 172_800), ("incident=1h", None)]
)
def test_a_task_has_a_time_of_its_own_before_that_of_its_kind(text: str, seconds: int | None) -> None:
    """As policy says; what it does not name has no clock."""
    assert Due.read(text).seconds("subject", "manual_kyc_review") == seconds
