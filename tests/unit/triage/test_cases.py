"""The transition table of cases, row by row, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args, get_type_hints

import pytest

from proofwatch.detection.suspicions import SEVERITY
from proofwatch.events import codec
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Step, Suspicion
from services.triage.core.cases import Case, Outcome, advance, escalation_of
from services.triage.core.clusters import Grown, opening
from services.triage.core.rows import TABLE, State, Trigger, UnlistedTransition
from services.triage.core.signals import Signal, from_alert, from_incident, from_suspicion
from tests.unit.triage.events import AT, INCIDENT_ID, OTHER_ID, TAG, access, ended, incident, merged, suspicion

LOW = from_suspicion(suspicion(1, severity="low"), TAG)
MINOR = from_suspicion(suspicion(2), TAG)
HIGH = from_suspicion(suspicion(3, severity="high"), TAG)
FIRING = from_incident(incident(1))
WEAK = from_incident(incident(1, evidence="weak", severity="low"))
ENDED = from_incident(ended(2))
QUIET = from_incident(ended(2, ended_by="no_traffic", k=0, n=0))
AGAIN = from_incident(incident(3, change="again"))
RISE = Step(
    metric="liveness_fail_rate",
    since=AT,
    known_at=AT + timedelta(hours=1),
    direction="up",
    told=True,
    from_rate=0.03,
    to_rate=0.09,
    k=45,
    n=500,
)
RISEN = from_incident(incident(3, change="rose_again", steps=(RISE,)))
MERGED = from_incident(merged(2))


def of_access(**given: Any) -> Signal:
    found = from_alert(access(**given))
    assert found
    return found


CLUSTER = opening(Grown("device", "acme", TAG, AT.date(), AT))
BROKEN, WHOLE = of_access(), of_access(state="resolved")


def moved(case: Case | None, signal: Signal, escalate_at_reasons: int = 3) -> Outcome:
    return advance(case, signal, AT, escalate_at_reasons=escalate_at_reasons)


def after(*signals: Signal) -> Case:
    case = None
    for signal in signals:
        case = moved(case, signal).case
    assert case
    return case


def later(signal: Signal) -> Signal:
    """The same incident, some revisions on."""
    revision = signal.cause.source_revision + 10
    return replace(signal, cause=replace(signal.cause, source_revision=revision))


OPEN = replace(after(FIRING), state="open")  # a person took it back to there
CLOSED = replace(after(FIRING), state="closed")
OPEN_ACCESS = replace(after(BROKEN), state="open")


# state before, signal, → state after, are people told, why
ROWS: dict[tuple[State, Trigger], tuple[Case | None, Signal, str, bool, str]] = {
    ("absent", "suspicion_minor"): (None, MINOR, "open", False, "opened"),
    ("absent", "suspicion_major"): (None, HIGH, "escalated", True, "escalated"),
    ("open", "suspicion_minor"): (after(LOW), MINOR, "open", False, "reason_added"),
    ("open", "suspicion_major"): (after(LOW), HIGH, "escalated", True, "escalated"),
    # a high case takes only major ones; this one was escalated by an earlier, lower count
    ("escalated", "suspicion_minor"): (
        replace(after(LOW), state="escalated"), MINOR, "escalated", True, "reason_added"),
    ("escalated", "suspicion_major"): (after(HIGH), MINOR, "escalated", True, "reason_added"),
    ("absent", "incident_strong"): (None, FIRING, "escalated", True, "escalated"),
    ("absent", "incident_again"): (None, AGAIN, "escalated", True, "escalated"),
    ("absent", "incident_ended"): (None, ENDED, "escalated", True, "escalated"),
    ("absent", "incident_quiet"): (None, QUIET, "escalated", True, "escalated"),
    ("open", "incident_strong"): (OPEN, later(FIRING), "escalated", True, "escalated"),
    ("absent", "incident_risen"): (None, RISEN, "escalated", True, "escalated"),
    ("open", "incident_risen"): (OPEN, RISEN, "escalated", True, "rose_again"),
    ("escalated", "incident_risen"): (after(FIRING), RISEN, "escalated", False, "rose_again"),
    ("closed", "incident_risen"): (CLOSED, RISEN, "escalated", True, "reopened"),
    ("open", "incident_again"): (OPEN, AGAIN, "escalated", True, "escalated"),
    ("open", "incident_weak"): (OPEN, later(WEAK), "open", False, "updated"),
    ("open", "incident_ended"): (OPEN, ENDED, "open", False, "ended"),
    ("open", "incident_quiet"): (OPEN, QUIET, "open", False, "traffic_ended"),
    ("open", "incident_merged"): (OPEN, MERGED, "closed", False, "merged"),
    ("escalated", "incident_strong"): (after(FIRING), later(FIRING), "escalated", False, "updated"),
    ("escalated", "incident_again"): (after(FIRING, ENDED), AGAIN, "escalated", False, "updated"),
    ("escalated", "incident_weak"): (after(FIRING), later(WEAK), "escalated", False, "updated"),
    ("escalated", "incident_ended"): (after(FIRING), ENDED, "escalated", False, "ended"),
    ("escalated", "incident_quiet"): (after(FIRING), QUIET, "escalated", False, "traffic_ended"),
    ("escalated", "incident_merged"): (after(FIRING), MERGED, "closed", False, "merged"),
    ("closed", "incident_strong"): (CLOSED, later(FIRING), "closed", False, "updated"),
    ("closed", "incident_again"): (CLOSED, AGAIN, "escalated", True, "reopened"),
    ("closed", "incident_weak"): (CLOSED, later(WEAK), "closed", False, "updated"),
    ("closed", "incident_ended"): (CLOSED, ENDED, "closed", False, "updated"),
    ("closed", "incident_quiet"): (CLOSED, QUIET, "closed", False, "updated"),
    ("closed", "incident_merged"): (CLOSED, MERGED, "closed", False, "updated"),
    ("absent", "access"): (None, BROKEN, "escalated", True, "escalated"),
    ("absent", "access_ended"): (None, WHOLE, "escalated", True, "escalated"),
    ("open", "access"): (OPEN_ACCESS, later(BROKEN), "escalated", True, "escalated"),
    ("open", "access_ended"): (OPEN_ACCESS, WHOLE, "open", False, "ended"),
    ("escalated", "access"): (after(BROKEN), later(BROKEN), "escalated", True, "reason_added"),
    ("escalated", "access_ended"): (after(BROKEN), WHOLE, "escalated", False, "ended"),
    ("closed", "access"): (replace(OPEN_ACCESS, state="closed"), later(BROKEN), "escalated", True, "reopened"),
    ("closed", "access_ended"): (replace(OPEN_ACCESS, state="closed"), WHOLE, "closed", False, "ended"),
    ("absent", "cluster"): (None, CLUSTER, "escalated", True, "escalated"),
}  # fmt: skip


def test_every_row_of_the_table_is_examined_here() -> None:
    """A new row brings its test."""
    assert set(ROWS) == set(TABLE)


@pytest.mark.parametrize("key", TABLE)
def test_a_row_does_what_it_says(key: tuple[State, Trigger]) -> None:
    """State, escalation and reason are those of the row, and the change is in the history."""
    case, signal, state, told, why = ROWS[key]
    outcome = moved(case, signal)
    assert outcome.why == why
    assert (outcome.case.state if outcome.case else "absent") == state
    assert (outcome.escalation is not None) == told
    if outcome.case and outcome.transition:
        assert (outcome.transition.from_state, outcome.transition.trigger) == key
        assert outcome.transition.to_state == state
        assert outcome.transition.revision == outcome.case.revision == (case.revision + 1 if case else 1)
        assert signal.cause in outcome.case.reasons
    else:
        assert state == "absent"


UNLISTED: set[tuple[State, Trigger]] = {
    ("closed", "suspicion_minor"), ("closed", "suspicion_major"),  # the next suspicion opens another case
    ("absent", "incident_weak"), ("absent", "incident_merged"),  # these open none
    ("open", "cluster"), ("escalated", "cluster"), ("closed", "cluster"),  # what joins it later is a part
}  # fmt: skip


def test_all_other_pairs_are_listed() -> None:
    """Each combination was thought of."""
    assert set(product(get_args(State), get_args(Trigger))) - set(TABLE) == UNLISTED


@pytest.mark.parametrize("signal", [MINOR, HIGH])
def test_an_unlisted_pair_raises(signal: Signal) -> None:
    """Closed subject cases take nothing more; offering one is a defect that must not pass unseen."""
    with pytest.raises(UnlistedTransition, match="state closed and trigger suspicion_"):
        moved(replace(after(LOW), state="closed"), signal)


def test_an_incident_that_ended_leaves_its_case_to_people_and_is_noted() -> None:
    """Incidents end by evidence, people close cases; the reasons say how it ended."""
    for signal, code in ((ENDED, "within.rejection_rate"), (QUIET, "no_traffic.rejection_rate")):
        case = after(FIRING, signal)
        assert case.state == "escalated"
        assert {reason.code for reason in case.reasons} == {"twice_baseline.rejection_rate", code}


def test_what_merged_goes_on_in_the_other_incidents_case() -> None:
    """Its own is closed, and names the one that goes on."""
    case = after(FIRING, MERGED)
    assert (case.state, case.merged_into) == ("closed", derived_id("case", "acme", "incident", OTHER_ID))
    unknown = after(FIRING, from_incident(merged(2, into=None)))
    assert (unknown.state, unknown.merged_into) == ("escalated", None)


@pytest.mark.parametrize(
    "signal", [WEAK, MERGED, from_suspicion(suspicion(1, reason="alarmed_cohort", severity="low"), TAG)]
)
def test_what_says_nothing_of_its_own_opens_no_case(signal: Signal) -> None:
    """Weak evidence, a part of another incident, and that somebody belongs to an alarmed cohort."""
    assert moved(None, signal) == (None, None, None, "nothing_of_its_own")


def test_a_case_is_named_after_what_opened_it() -> None:
    """The same log gives the same case ids, live or replayed."""
    first = suspicion(1).suspicion_id
    assert after(from_suspicion(suspicion(1), TAG), MINOR).case_id == derived_id("case", "acme", "subject", first)
    assert after(FIRING).case_id == derived_id("case", "acme", "incident", INCIDENT_ID)


def test_severity_is_the_maximum_of_the_reasons() -> None:
    """A slight reason after a grave one does not make a case harmless."""
    assert after(LOW, MINOR).severity == "medium"
    assert after(HIGH, LOW).severity == "high"
    assert after(FIRING, later(WEAK)).severity == "high"


def test_enough_slight_reasons_escalate() -> None:
    """The configured count of reasons escalates even if none of them is grave."""
    third = from_suspicion(suspicion(4, severity="low"), TAG)
    outcome = moved(after(LOW, MINOR), third, escalate_at_reasons=3)
    assert outcome.case
    assert (outcome.case.state, outcome.case.severity) == ("escalated", "medium")
    assert moved(after(LOW, MINOR), third, escalate_at_reasons=4).why == "reason_added"


@pytest.mark.parametrize("reason", get_args(get_type_hints(Suspicion)["reason"]))
def test_every_reason_of_a_suspicion_becomes_a_case_with_its_severity(reason: Any) -> None:
    """Device velocity, patterns, cohorts: the code, the numbers and the severity that the detector gave."""
    pattern = "old-sdk" if reason == "attack_pattern" else None
    signal = from_suspicion(suspicion(1, reason=reason, severity=SEVERITY[reason], pattern_id=pattern), TAG)
    before = [MINOR] if reason == "alarmed_cohort" else []
    case = after(*before, signal)
    assert case.severity == ("medium" if before else SEVERITY[reason])
    assert case.state == ("escalated" if SEVERITY[reason] == "high" else "open")
    (said,) = [each for each in escalation_of(case).reasons if each.transaction_id == "t-1"]
    assert said.code == (f"{reason}.old-sdk" if pattern else reason)
    assert said.evidence == signal.cause.evidence


def test_a_pattern_with_a_long_name_keeps_to_the_schema() -> None:
    """64 characters are what a reason code may have."""
    case = after(from_suspicion(suspicion(1, reason="attack_pattern", pattern_id="p" * 63), TAG))
    assert codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case))).reasons[0].code.endswith("ppp")


def test_membership_of_an_alarmed_cohort_never_adds_up_to_an_escalation() -> None:
    """Many transactions of a member are no reason to look at that member; two suspicions beside them are not three."""
    member = [from_suspicion(suspicion(n, reason="alarmed_cohort", severity="low"), TAG) for n in range(10, 20)]
    assert after(LOW, *member).state == "open"
    assert after(LOW, *member, MINOR).state == "open"
    third = from_suspicion(suspicion(4, severity="low"), TAG)
    assert after(LOW, *member, MINOR, third).state == "escalated"
    assert moved(after(LOW, MINOR), member[0], escalate_at_reasons=3).why == "reason_added"


@pytest.mark.parametrize(
    ("case", "signal"),
    [
        (after(MINOR), MINOR),
        (after(HIGH, MINOR), MINOR),
        (after(later(FIRING)), FIRING),
        (after(FIRING, ENDED), ENDED),
        (after(FIRING, ENDED), FIRING),
    ],
)
def test_a_repeated_or_older_revision_changes_nothing(case: Case, signal: Signal) -> None:
    """What is delivered twice, or overtaken, is known already."""
    assert moved(case, signal) == (case, None, None, "repeated")


def test_a_new_revision_replaces_its_reason_and_the_end_is_a_reason_of_its_own() -> None:
    """A case shows the newest numbers once, and how it ended."""
    case = after(FIRING, from_incident(incident(2)), from_incident(ended(3)))
    assert sorted((r.code, r.source_revision, r.evidence["k"]) for r in case.reasons) == [
        ("twice_baseline.rejection_rate", 2, 42.0),
        ("within.rejection_rate", 3, 43.0),
    ]


def test_a_reason_code_keeps_to_the_schema() -> None:
    """The longest metric name still makes a valid escalation."""
    case = after(from_incident(incident(1, metric="m" * 64)))
    assert codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case))).case_id == case.case_id


def test_an_escalation_holds_every_reason_the_oldest_first() -> None:
    """Whoever takes the case sees why it exists, whatever order the reasons came in."""
    case = after(HIGH, from_suspicion(suspicion(1, severity="low"), TAG))
    escalation = codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case)))
    assert [reason.transaction_id for reason in escalation.reasons] == ["t-1", "t-3"]
    assert escalation.raised_at == AT + timedelta(minutes=3)
    assert escalation.escalation_id == derived_id("escalation", case.case_id, 2)
    assert (escalation.queue, escalation.status, escalation.subject_tag) == ("soc", "escalated", TAG)


def test_an_incidents_case_has_no_subject() -> None:
    """It concerns a rate, not a person."""
    assert escalation_of(after(FIRING)).subject_tag is None


def test_a_further_rise_is_a_reason_of_its_own_with_both_levels() -> None:
    """The rule that found the incident first stays a reason; what it rose from and to are the numbers."""
    case = moved(after(FIRING), RISEN).case
    assert case is not None
    (first, second) = case.reasons
    assert first == FIRING.cause
    assert (second.code, second.at) == ("rose_again.liveness_fail_rate", RISE.known_at)
    assert (second.evidence["risen_from_rate"], second.evidence["risen_to_rate"]) == (0.03, 0.09)


def test_a_broken_glass_is_a_case_with_who_what_and_the_second_person_from_beginning_to_end() -> None:
    """No subject and no transaction; its end is a reason of its own, and tells nobody again."""
    case = after(BROKEN, WHOLE)
    assert (case.kind, case.subject_tag, case.rate, case.severity, case.queue) == ("access", None, None, "high", "soc")
    assert case.about == access().access
    assert [(each.code, each.at) for each in case.reasons] == [
        ("break_glass", AT),
        ("break_glass_ended", AT + timedelta(minutes=30)),
    ]
    told = escalation_of(case, BROKEN.title)
    assert (told.tenant, told.subject_tag) == ("acme", None)
    assert told.title == "two people opened what is somebody else's case", "a notice names nobody"
    assert all(each.transaction_id is None for each in told.reasons)


def test_a_replayed_grant_is_a_case_of_its_own_and_the_same_one_again_is_none() -> None:
    replayed = of_access(kind="replayed_grant", alert_id=derived_id("platform-alert", "replayed"))
    case = after(replayed)
    assert (case.kind, [each.code for each in case.reasons]) == ("access", ["replayed_grant"])
    assert case.case_id != after(BROKEN).case_id
    assert moved(case, replayed).why == "repeated"


def test_alerts_of_health_are_no_cases() -> None:
    """Nor is one that does not say whose case it is about, as those of releases before."""
    assert from_alert(access(kind="lag", access=None)) is None
    assert from_alert(access(access=None)) is None
