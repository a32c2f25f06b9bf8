"""The transition table of cases, row by row, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, get_args, get_type_hints

import pytest

from proofwatch.detection.suspicions import SEVERITY
from proofwatch.events import codec
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Suspicion
from services.triage.core.cases import TABLE, Case, Outcome, State, Trigger, UnlistedTransition, advance, escalation_of
from services.triage.core.signals import Signal, from_anomaly, from_suspicion
from tests.unit.triage.events import AT, TAG, anomaly, suspicion

LOW = from_suspicion(suspicion(1, severity="low"), TAG)
MINOR = from_suspicion(suspicion(2), TAG)
HIGH = from_suspicion(suspicion(3, severity="high"), TAG)
FIRING = from_anomaly(anomaly(1))
WEAK = from_anomaly(anomaly(1, severity="low_evidence"))
RESOLVED = from_anomaly(anomaly(2, state="resolved"))
QUIET = from_anomaly(anomaly(2, state="resolved", resolution="no_traffic", k=0, n=0))


def moved(case: Case | None, signal: Signal, escalate_at_reasons: int = 3) -> Outcome:
    return advance(case, signal, AT, escalate_at_reasons=escalate_at_reasons)


def after(*signals: Signal) -> Case:
    case = None
    for signal in signals:
        case = moved(case, signal).case
    assert case
    return case


def later(signal: Signal) -> Signal:
    """The same anomaly, one revision on."""
    revision = signal.cause.source_revision + 10
    return replace(signal, cause=replace(signal.cause, source_revision=revision))


# state before, signal, → state after, are people told, why
ROWS: dict[tuple[State, Trigger], tuple[Case | None, Signal, str, bool, str]] = {
    ("absent", "suspicion_minor"): (None, MINOR, "open", False, "opened"),
    ("absent", "suspicion_major"): (None, HIGH, "escalated", True, "escalated"),
    ("absent", "anomaly_low_evidence"): (None, WEAK, "open", False, "opened"),
    ("absent", "anomaly_high"): (None, FIRING, "escalated", True, "escalated"),
    ("absent", "anomaly_resolved"): (None, RESOLVED, "closed", False, "closed"),
    ("absent", "anomaly_quiet"): (None, QUIET, "open", False, "traffic_ended"),
    ("open", "anomaly_quiet"): (after(WEAK), QUIET, "open", False, "traffic_ended"),
    ("escalated", "anomaly_quiet"): (after(FIRING), QUIET, "escalated", True, "traffic_ended"),
    ("closed", "anomaly_quiet"): (after(FIRING, RESOLVED), later(QUIET), "closed", False, "updated"),
    ("open", "suspicion_minor"): (after(LOW), MINOR, "open", False, "reason_added"),
    ("open", "suspicion_major"): (after(LOW), HIGH, "escalated", True, "escalated"),
    ("open", "anomaly_low_evidence"): (after(WEAK), later(WEAK), "open", False, "updated"),
    ("open", "anomaly_high"): (after(WEAK), later(FIRING), "escalated", True, "escalated"),
    ("open", "anomaly_resolved"): (after(WEAK), RESOLVED, "closed", False, "closed"),
    # a high case takes only major ones; this one was escalated by an earlier, lower count
    ("escalated", "suspicion_minor"): (
        replace(after(LOW), state="escalated"), MINOR, "escalated", True, "reason_added"),
    ("escalated", "suspicion_major"): (after(HIGH), MINOR, "escalated", True, "reason_added"),
    ("escalated", "anomaly_low_evidence"): (after(FIRING), later(WEAK), "escalated", False, "updated"),
    ("escalated", "anomaly_high"): (after(FIRING), later(FIRING), "escalated", False, "updated"),
    ("escalated", "anomaly_resolved"): (after(FIRING), RESOLVED, "closed", True, "closed"),
    ("closed", "anomaly_low_evidence"): (after(WEAK, RESOLVED), later(WEAK), "open", False, "reopened"),
    ("closed", "anomaly_high"): (after(FIRING, RESOLVED), later(FIRING), "escalated", True, "reopened"),
    ("closed", "anomaly_resolved"): (after(FIRING, RESOLVED), later(RESOLVED), "closed", False, "updated"),
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


@pytest.mark.parametrize("key", sorted(set(product(get_args(State), get_args(Trigger))) - set(TABLE)))
def test_an_unlisted_pair_raises(key: tuple[State, Trigger]) -> None:
    """Only closed subject cases take nothing more; offering one is a defect that must not pass unseen."""
    state, trigger = key
    assert (state, trigger.partition("_")[0]) == ("closed", "suspicion")
    closed = replace(after(LOW), state="closed")
    with pytest.raises(UnlistedTransition, match=f"state closed and trigger {trigger}"):
        moved(closed, MINOR if trigger == "suspicion_minor" else HIGH)


def test_a_case_whose_traffic_ended_waits_for_a_person() -> None:
    """Nothing got better, so it is not closed by itself; its newest reason says why there is no more to come."""
    case = after(FIRING, QUIET)
    assert case.state == "escalated"
    assert [reason.code for reason in case.reasons] == [
        "twice_baseline.rejection_rate",
        "no_traffic.rejection_rate",
    ]


def test_a_resolution_that_overtakes_its_firing_leaves_a_closed_case() -> None:
    """Revisions of one anomaly can come by different ways; the older one then is a repeat and opens nothing."""
    closed = after(RESOLVED)
    assert closed.state == "closed"
    outcome = moved(closed, FIRING)
    assert (outcome.case, outcome.why) == (closed, "repeated")


def test_what_is_resolved_as_backfill_and_was_never_a_case_stays_none() -> None:
    """Old windows cause nothing, neither when they fire nor when they are taken back."""
    outcome = moved(None, replace(RESOLVED, backfill=True))
    assert (outcome.case, outcome.why) == (None, "backfill")


def test_a_case_is_named_after_what_opened_it() -> None:
    """The same log gives the same case ids, live or replayed."""
    first = suspicion(1).suspicion_id
    assert after(from_suspicion(suspicion(1), TAG), MINOR).case_id == derived_id("case", "acme", "subject", first)
    assert after(FIRING).case_id == derived_id("case", "acme", "cohort", anomaly().anomaly_id)


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
    case = after(signal)
    assert case.severity == SEVERITY[reason]
    assert case.state == ("escalated" if SEVERITY[reason] == "high" else "open")
    (said,) = escalation_of(case).reasons
    assert said.code == (f"{reason}.old-sdk" if pattern else reason)
    assert said.evidence == signal.cause.evidence


def test_a_pattern_with_a_long_name_keeps_to_the_schema() -> None:
    """64 characters are what a reason code may have."""
    case = after(from_suspicion(suspicion(1, reason="attack_pattern", pattern_id="p" * 63), TAG))
    assert codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case))).reasons[0].code.endswith("ppp")


def test_membership_of_an_alarmed_cohort_never_adds_up_to_an_escalation() -> None:
    """Many transactions of a member are no reason to look at that member; two suspicions beside them are not three."""
    member = [from_suspicion(suspicion(n, reason="alarmed_cohort", severity="low"), TAG) for n in range(10, 20)]
    assert after(*member).state == "open"
    assert after(*member, LOW, MINOR).state == "open"
    third = from_suspicion(suspicion(4, severity="low"), TAG)
    assert after(*member, LOW, MINOR, third).state == "escalated"
    assert moved(after(LOW, MINOR), member[0], escalate_at_reasons=3).why == "reason_added"


@pytest.mark.parametrize(
    ("case", "signal"),
    [
        (after(MINOR), MINOR),
        (after(HIGH, MINOR), MINOR),
        (after(later(FIRING)), FIRING),
        (after(FIRING, RESOLVED), RESOLVED),
        (after(FIRING, RESOLVED), FIRING),
    ],
)
def test_a_repeated_or_older_revision_changes_nothing(case: Case, signal: Signal) -> None:
    """What is delivered twice, or overtaken, is known already."""
    assert moved(case, signal) == (case, None, None, "repeated")


@pytest.mark.parametrize("case", [None, after(FIRING), after(FIRING, RESOLVED)])
def test_a_backfill_anomaly_opens_and_escalates_nothing(case: Case | None) -> None:
    """Old news never calls people."""
    old = later(from_anomaly(anomaly(1, backfill=True)))
    assert moved(case, old) == (case, None, None, "backfill")


def test_a_case_that_ended_long_ago_is_closed_all_the_same() -> None:
    """An anomaly that began live and resolved as backfill leaves no case open for ever."""
    assert after(FIRING, from_anomaly(anomaly(2, state="resolved", backfill=True))).state == "closed"


def test_a_new_revision_replaces_its_reason_and_the_end_is_a_reason_of_its_own() -> None:
    """A case shows the newest numbers once, and why it was closed."""
    case = after(FIRING, from_anomaly(anomaly(2)), from_anomaly(anomaly(3, state="resolved")))
    assert [(r.code, r.source_revision, r.evidence["k"]) for r in case.reasons] == [
        ("twice_baseline.rejection_rate", 2, 42.0),
        ("resolved.rejection_rate", 3, 43.0),
    ]


def test_a_reason_code_keeps_to_the_schema() -> None:
    """The longest metric name still makes a valid escalation."""
    case = after(from_anomaly(anomaly(1, metric="m" * 64)))
    assert codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case))).case_id == case.case_id


def test_an_escalation_holds_every_reason_the_oldest_first() -> None:
    """Whoever takes the case sees why it exists, whatever order the reasons came in."""
    case = after(HIGH, from_suspicion(suspicion(1, severity="low"), TAG))
    escalation = codec.ESCALATION.decode(codec.ESCALATION.encode(escalation_of(case)))
    assert [reason.transaction_id for reason in escalation.reasons] == ["t-1", "t-3"]
    assert escalation.raised_at == AT + timedelta(minutes=3)
    assert escalation.escalation_id == derived_id("escalation", case.case_id, 2)
    assert (escalation.queue, escalation.status, escalation.subject_tag) == ("soc", "escalated", TAG)


def test_a_cohort_case_has_no_subject() -> None:
    """An anomaly concerns a rate, not a person."""
    assert escalation_of(after(FIRING)).subject_tag is None
