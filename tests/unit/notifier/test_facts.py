"""What a notification says, and what it never says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.events import codec
from services.notifier.core.facts import Fact, of_anomaly, of_escalation, of_platform_alert
from services.notifier.core.routing import notifications
from tests.unit.notifier.events import ALERT_ID, ANOMALY_ID, AT, CASE_ID, anomaly, escalation, platform_alert, reason

# Marked so that a match is no accident; some would pass for a code.
private = st.text(st.characters(codec="utf-8"), max_size=40).map("subject-zq9x{}".format) | st.sampled_from(
    ["zq9x_mueller", "zq9x@example.org", "vault://selfies/zq9x.jpg", "whsec_zq9x"]
)


def text(fact: Fact | None) -> str:
    assert fact
    (notification,) = notifications(fact, ())
    wire = codec.NOTIFICATION.encode(notification)
    assert codec.NOTIFICATION.decode(wire) == notification, "what is published keeps to its schema"
    return wire.decode()


def test_an_anomaly_is_told_with_its_numbers() -> None:
    """The reader sees at once what rate, how far off, on how many."""
    fact = of_anomaly(anomaly())
    assert fact
    assert fact.title == "Too many rejections at all of acme"
    for part in (
        ANOMALY_ID,
        "41 of 1,000 = 4.1 %",
        "expected 1 %",
        "About 31 people",
        "review its transactions by hand",
    ):
        assert part in fact.summary


def test_the_end_of_an_anomaly_is_told_too() -> None:
    """Nobody goes on looking for what is over."""
    fact = of_anomaly(anomaly(state="resolved", revision=2))
    assert fact
    assert (fact.state, fact.title) == ("resolved", "Rejections at all of acme: within what is expected again")


@pytest.mark.parametrize(
    ("resolution", "words"), [("no_traffic", "no traffic"), ("too_little_traffic", "too little traffic")]
)
def test_an_anomaly_whose_traffic_ended_says_so(resolution: str, words: str) -> None:
    """Not that it is back at its baseline: since when there was none, and that its case waits."""
    fact = of_anomaly(anomaly(state="resolved", revision=2, resolution=resolution, k=0, n=0, rate=0.0, ratio=0.0))
    assert fact is not None
    assert fact.title.startswith(f"Rejections at all of acme: {words} since 20")
    assert "within" not in fact.title
    for part in (words, "its rate did not come back", "waits for a person"):
        assert part in fact.summary


def test_a_backfill_anomaly_is_never_told() -> None:
    """Old news wakes nobody."""
    assert of_anomaly(anomaly(backfill=True)) is None


def test_an_escalation_is_told_by_case_and_reason_codes() -> None:
    """The analyst opens the case by its id; the reasons say what to expect."""
    fact = of_escalation(escalation())
    assert (fact.source_id, fact.source_revision, fact.state, fact.severity) == (CASE_ID, 2, "raised", "high")
    assert fact.title == "Subject case of acme escalated: soc, high"
    assert "2 reasons (liveness_failures_persist × 2)" in fact.summary
    assert of_escalation(escalation(subject_tag=None)).title.startswith("Cohort case")
    assert of_escalation(escalation(status="closed")).state == "resolved"


def test_a_platform_alert_and_its_end_are_two_revisions() -> None:
    """The all-clear is not taken for a repeat of the alarm."""
    firing, resolved = of_platform_alert(platform_alert()), of_platform_alert(platform_alert(state="resolved"))
    assert (firing.source_id, firing.source_revision, resolved.source_revision) == (ALERT_ID, 1, 2)
    assert (firing.title, resolved.title) == ("scorer: lag is wrong", "scorer: lag is right again")
    assert "records = 1200" in firing.summary


@given(value=private)
def test_an_anomaly_gives_no_segment_value_away(value: str) -> None:
    """A segment value may single somebody out; it stays where access is controlled."""
    told = text(of_anomaly(anomaly(segment_name="country", segment_value=value)))
    assert "zq9x" not in told
    assert "one segment of acme" in told


@given(value=private)
def test_an_escalation_gives_no_subject_away(value: str) -> None:
    """Neither transaction nor tag leaves, and free text in a name's place is not repeated."""
    given_case = escalation(
        reasons=(reason(transaction_id=value), reason(code=f"{value} ", evidence={f"{value} ": 1.0}))
    )
    told = text(of_escalation(given_case))
    assert "zq9x" not in told
    assert str(given_case.subject_tag) not in told
    assert "unnamed × 1" in told


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
    text(of_anomaly(anomaly(tenant="a" * 63, metric="m" * 64, segment_name="os", k=10**18, n=10**18, ratio=-1e-300)))


def test_a_limit_in_breach_is_told_with_what_it_is_about() -> None:
    """Rate, limit, species, since when, when known, harm; and that it is within the limit again."""
    limit: dict[str, Any] = {
        "rule": "limit_breach",
        "cadence": "at_once",
        "metric": "apcer",
        "action": "step_up_mfa",
        "species": ("mask", "<b>"),
        "since": AT,
        "known_at": AT,
        "affected": 79.6,
        "trials_needed": 12,
    }
    fact = of_anomaly(anomaly(**limit))
    told = text(fact)
    assert fact is not None
    assert fact.title == "apcer of all of acme is above its limit"
    for part in ("limit 1 %", "Species: mask, unnamed.", "Since 2026-01-01", "Known at", "About 80 errors", "Some 12"):
        assert part in told
    back = of_anomaly(anomaly(**limit, state="resolved", revision=2))
    assert back is not None
    assert back.title == "apcer of all of acme is within its limit again"
