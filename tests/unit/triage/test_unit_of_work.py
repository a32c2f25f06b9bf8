"""Which case a signal belongs to."""

from dataclasses import replace

from services.triage.core.cases import Case
from services.triage.core.signals import from_incident, from_suspicion
from services.triage.core.unit_of_work import UnitOfWork
from tests.unit.triage.events import AT, TAG, incident, suspicion

OTHER_TAG = TAG[::-1]


def work(*cases: Case) -> UnitOfWork:
    return UnitOfWork(cases, escalate_at_reasons=3)


def opened() -> Case:
    case = work().apply(from_suspicion(suspicion(1), TAG), AT).case
    assert case
    return case


def test_suspicions_of_one_subject_share_a_case() -> None:
    """An analyst sees one person's story in one place."""
    cases = work()
    for number in (1, 2):
        cases.apply(from_suspicion(suspicion(number), TAG), AT)
    assert [len(case.reasons) for case in cases.changed] == [2]
    assert [transition.revision for transition in cases.transitions] == [1, 2]


def test_other_subjects_and_tenants_have_cases_of_their_own() -> None:
    """Nothing mixes, even if two tenants' tags were equal."""
    cases = work()
    cases.apply(from_suspicion(suspicion(1), TAG), AT)
    cases.apply(from_suspicion(suspicion(2), OTHER_TAG), AT)
    cases.apply(from_suspicion(suspicion(3, tenant="bank"), TAG), AT)
    assert len(cases.changed) == 3


def test_a_suspicion_after_the_case_was_closed_opens_another() -> None:
    """A closed case is finished business."""
    closed = replace(opened(), state="closed")
    cases = work(closed)
    case = cases.apply(from_suspicion(suspicion(2), TAG), AT).case
    assert case
    assert case.case_id != closed.case_id
    assert case.state == "open"


def test_a_suspicion_that_a_closed_case_knows_opens_nothing() -> None:
    """Told again, for example by a redrive, it is known."""
    cases = work(replace(opened(), state="closed"))
    assert cases.apply(from_suspicion(suspicion(1), TAG), AT).why == "repeated"
    assert cases.changed == []


def test_each_incident_has_its_case() -> None:
    """Two causes are two pieces of work."""
    cases = work()
    cases.apply(from_incident(incident(1)), AT)
    cases.apply(from_incident(incident(1, incident_id="another", metric="refer_rate")), AT)
    assert {case.rate.metric for case in cases.changed if case.rate} == {"rejection_rate", "refer_rate"}
