"""What a notification says, and what it never says."""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proofwatch.events import codec
from proofwatch.events.enumerations import AnomalyRule, IncidentChange, SuspicionReason
from proofwatch.events.identity import case_id
from proofwatch.events.types import Proof, Slice, Step
from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from tests.unit.notifier.courses import told_alone
from tests.unit.notifier.events import ALERT_ID, AT, CASE_ID, INCIDENT_ID, escalation, incident, platform_alert, reason

# Marked so that a match is no accident; some would pass for a code.
private = st.text(st.characters(codec="utf-8"), max_size=40).map("subject-zq9x{}".format) | st.sampled_from(
    ["zq9x_mueller", "zq9x@example.org", "vault://selfies/zq9x.jpg", "whsec_zq9x"]
)


CHANGES: tuple[str, ...] = get_args(IncidentChange)
_NO_NEWS = ("changed", "fell_back", "merged")


def text(fact: Fact | None) -> str:
    assert fact
    notification = told_alone(fact)
    wire = codec.NOTIFICATION.encode(notification)
    assert codec.NOTIFICATION.decode(wire) == notification, "what is published keeps to its schema"
    return wire.decode()


def test_an_incident_is_told_in_its_own_words() -> None:
    """Those for notices; the id to look it up by stands behind them, and no code does."""
    fact = of_incident(incident(title="secret", sentence="secret"))
    assert fact
    assert (fact.title, fact.state, fact.severity) == ("Too many rejections at all of acme", "firing", "high")
    assert fact.summary.startswith("Too many rejections at all of acme. Incident ")
    assert fact.summary.endswith(
        f"Incident {INCIDENT_ID}, revision 1; case {case_id('acme', 'incident', INCIDENT_ID)}."
    )
    assert "_" not in fact.title + fact.summary
    assert "secret" not in text(fact)


@pytest.mark.parametrize(("change", "told"), [(each, each not in _NO_NEWS) for each in CHANGES])
def test_what_matters_is_told_and_not_each_revision(change: str, told: bool) -> None:
    """It began, it is graver, it is back, it ended; new numbers are no news, and what merged goes on elsewhere."""
    assert (of_incident(incident(change=change, revision=7)) is not None) == told


def test_the_end_of_an_incident_is_told_when_it_was_known() -> None:
    """Nobody goes on looking for what is over; that it is over is seen some time after it was."""
    at, known = AT + timedelta(minutes=50), AT + timedelta(minutes=58)
    ended = incident(state="ended", change="ended", revision=2, until=at, until_known=known, ended_by="within")
    fact = of_incident(ended)
    assert fact
    assert (fact.state, fact.at) == ("resolved", known)
    noted = of_incident(replace(ended, until_known=None))
    assert noted
    assert noted.at == at, "kept by a release that did not note when it was known"


@pytest.mark.parametrize("change", [each for each in CHANGES if each not in _NO_NEWS])
def test_nothing_is_told_before_it_was_known(change: str) -> None:
    """Whatever the news is: what labels prove and the rises that it names as well were known by then."""
    proof, rise = AT + timedelta(days=4), AT + timedelta(days=2)
    for fields, known in (({"proof": _proof(proof)}, proof), ({"steps": (_rise(rise),)}, rise)):
        for state in ({"state": "firing"}, {"state": "ended", "until": AT, "ended_by": "within"}):
            fact = of_incident(incident(change=change, revision=7, **fields, **state))
            assert fact
            assert fact.at == known


def _proof(known_at: datetime) -> Proof:
    return Proof(
        anomaly_id=ALERT_ID, metric="injection_accept_rate", attacks=90, accepted=24, low=0.2, high=0.4, limit=0.005,
        since=AT, until=AT + timedelta(days=1), known_at=known_at,
    )  # fmt: skip


def _rise(known_at: datetime) -> Step:
    return Step(
        metric="retry_rate", since=AT, known_at=known_at, direction="up", told=True, from_rate=0.05, to_rate=0.3, k=30,
        n=100,
    )  # fmt: skip


def test_what_labels_prove_late_is_told_when_it_is_known() -> None:
    """Weeks after the window."""
    fact = of_incident(incident(known_at=AT + timedelta(days=20)))
    assert fact
    assert fact.at == AT + timedelta(days=20)


def test_an_escalation_is_told_in_words() -> None:
    """What it is about and why; the analyst opens the case by its id."""
    fact = of_escalation(escalation())
    assert (fact.state, fact.severity) == ("raised", "high")
    assert f"Case {CASE_ID}, revision 2" in fact.summary
    assert fact.title == "A case of a person of acme, escalated to the SOC: liveness fails again and again"
    assert "Why: liveness fails again and again (2 times). Newest: failures 3." in fact.summary
    assert f"Next: take it (proofwatch cases take {CASE_ID}) and look at it." in fact.summary
    assert "_" not in fact.title + fact.summary
    of_an_incident = of_escalation(escalation(subject_tag=None, title="Too many rejections at handset A-1801 of acme"))
    told = "A case of an incident of acme, escalated to the SOC: Too many rejections at handset A-1801 of acme"
    assert of_an_incident.title == told
    assert of_escalation(escalation(subject_tag=None)).title == "A case of an incident of acme, escalated to the SOC"
    assert of_escalation(escalation(subject_tag=None)).source_id == CASE_ID
    assert of_escalation(escalation(status="closed")).state == "resolved"
    assert of_escalation(escalation(status="closed")).title == "A case of a person of acme, closed"


@pytest.mark.parametrize("code", ["break_glass", "break_glass_ended", "replayed_grant"])
def test_a_case_of_access_is_told_as_one(code: str) -> None:
    """Neither a person's nor an incident's; nobody is named."""
    fact = of_escalation(escalation(subject_tag=None, reasons=(reason(code=code, evidence={}),)))
    assert fact.title == "A case of access to imagery of acme, escalated to the SOC"
    assert code.replace("_", " ") not in fact.summary


@pytest.mark.parametrize("code", get_args(SuspicionReason))
def test_every_reason_of_a_suspicion_has_words(code: str) -> None:
    """None is the code with blanks."""
    fact = of_escalation(escalation(reasons=(reason(code=code, evidence={}),)))
    assert code.replace("_", " ") not in fact.summary
    assert "_" not in fact.summary


@pytest.mark.parametrize(
    "code",
    [
        f"{rule}.liveness_fail_rate"
        for rule in (*get_args(AnomalyRule), "rose_again", "no_traffic", "within", "judged_anew")
    ],
)
def test_every_reason_of_an_incident_has_words(code: str) -> None:
    """What is counted, and what became of it."""
    evidence = {"k": 5.0, "n": 1000.0, "rate": 0.005, "low": 0.001, "high": 0.01, "expected_rate": 0.1, "p_value": 1e-3}
    evidence |= {"children_count": 2.0, "rejected": 3.0, "accepted": 0.0, "chance": 1e-7}
    fact = of_escalation(escalation(subject_tag=None, reasons=(reason(code=code, evidence=evidence),)))
    assert "failed liveness checks" in fact.summary
    numbers = "5 of 1,000 = 0.5 %, expected 10 %, further findings 2, people rejected beyond what was expected 3."
    assert f"Newest: {numbers}" in fact.summary
    assert "_" not in fact.title + fact.summary


def test_subjects_cases_are_told_once_an_hour_of_a_tenant() -> None:
    """An attack raises hundreds: the queue has all of them, and the first of an hour is told, as one thing."""

    def told(minute: int, **given: Any) -> Fact:
        return of_escalation(escalation(raised_at=AT + timedelta(minutes=minute), **given))

    first, second = told(1), told(59, case_id=ALERT_ID, revision=9)
    assert (first.source_id, first.source_revision) == (second.source_id, second.source_revision)
    assert "Further ones of this hour are in the queue only: proofwatch cases list has them all." in first.summary
    assert "UTC" not in first.summary
    others = [told(61), told(1, tenant="bank"), told(1, severity="medium"), told(1, status="closed")]
    assert len({each.source_id for each in (first, *others)}) == 5
    assert told(1, status="closed").source_id == CASE_ID


def test_a_platform_alert_and_its_end_are_two_revisions() -> None:
    """The all-clear is not taken for a repeat of the alarm."""
    firing, resolved = of_platform_alert(platform_alert()), of_platform_alert(platform_alert(state="resolved"))
    assert (firing.source_id, firing.source_revision, resolved.source_revision) == (ALERT_ID, 1, 2)
    assert (firing.title, resolved.title) == ("scorer is behind with its records", "scorer has caught up")
    assert "records 1,200" in firing.summary


@given(value=private)
def test_an_incident_gives_no_segment_value_away(value: str) -> None:
    """A segment value may single somebody out; it stays where access is controlled."""
    slices = (Slice(segment_name="country", segment_value=value),)
    named = incident(root=slices, described=slices, title=value, sentence=value, metric=f"apcer:{value}"[:64])
    told = text(of_incident(named))
    assert "zq9x" not in told


@given(value=private)
def test_an_escalation_gives_no_subject_away(value: str) -> None:
    """Neither transaction nor tag leaves, and free text in a name's place is not repeated."""
    given_case = escalation(
        reasons=(reason(transaction_id=value), reason(code=f"{value} ", evidence={f"{value} ": 1.0}))
    )
    told = text(of_escalation(given_case))
    assert "zq9x" not in told
    assert str(given_case.subject_tag) not in told
    assert "a reason without a name" in told


@given(value=private)
def test_a_platform_alert_gives_no_free_text_away(value: str) -> None:
    """What a service writes into its summary is not passed on; the numbers say it."""
    told = text(of_platform_alert(platform_alert(summary=value, service=f"{value} "[:64], values={f"{value} ": 1.0})))
    assert "zq9x" not in told


def test_the_longest_events_still_make_valid_notifications() -> None:
    """No length of a valid event breaks the limits of title and summary."""
    many = tuple(reason(code=f"{i:02}".rjust(64, "c"), evidence={f"{i:02}".rjust(64, "e"): -1e-300}) for i in range(50))
    crowd = {f"{i:02}".rjust(64, "v"): -1e-300 for i in range(50)}
    text(of_escalation(escalation(tenant="a" * 63, reasons=(*many, reason(evidence=crowd)))))
    text(of_platform_alert(platform_alert(service="s" * 64, values=crowd)))
    text(of_incident(incident(tenant="a" * 63, metric="m" * 64, notice_title="t" * 512, notice="n" * 4096)))
