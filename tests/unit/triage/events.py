"""Events that triage reads, with only what a test cares about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Access, Incident, PlatformAlert, Suspicion

AT = datetime(2026, 1, 1, tzinfo=UTC)
TAG = "0123456789abcdef0123456789abcdef"
INCIDENT_ID = derived_id("incident", "acme")
OTHER_ID = derived_id("incident", "acme", "another")


def suspicion(number: int = 1, **given: Any) -> Suspicion:
    """A medium suspicion of subject s-1; each number is another transaction, a minute later."""
    transaction_id = f"t-{number}"
    fields: dict[str, Any] = {
        "suspicion_id": derived_id("suspicion", "acme", transaction_id, "liveness_failures_persist"),
        "tenant": "acme",
        "transaction_id": transaction_id,
        "subject_ref": "s-1",
        "occurred_at": AT + timedelta(minutes=number),
        "reason": "liveness_failures_persist",
        "severity": "medium",
        "evidence": {"failures": 3.0, "liveness_score": 0.41},
        "policy_hash": "0" * 32,
        "imagery_ref": "vault://selfies/s-1",
    }
    return Suspicion(schema_version=1, **(fields | given))


def incident(revision: int = 1, **given: Any) -> Incident:
    """A firing incident of all of acme, of strong evidence; each revision judges a window five minutes later."""
    start = AT + timedelta(minutes=5 * revision)
    fields: dict[str, Any] = {
        "incident_id": INCIDENT_ID,
        "revision": revision,
        "tenant": "acme",
        "state": "firing",
        "change": "began" if revision == 1 else "changed",
        "evidence": "strong",
        "severity": "high",
        "chance": 1e-6,
        "root": (),
        "alike": (),
        "since": AT,
        "known_at": AT + timedelta(minutes=5),
        "metrics": ("rejection_rate",),
        "rules": ("twice_baseline",),
        "action": "flag_cohort_for_manual_review",
        "metric": "rejection_rate",
        "rule": "twice_baseline",
        "window_start": start,
        "window_end": start + timedelta(minutes=5),
        "k": 40 + revision,
        "n": 1000,
        "rate": 0.04,
        "low": 0.03,
        "high": 0.054,
        "expected_rate": 0.01,
        "p_value": 1e-9,
        "rejected": 30.0,
        "accepted": 0.0,
        "lead_anomaly_id": derived_id("anomaly", "acme"),
        "lead_revision": 1,
        "children": (),
        "children_count": 0,
        "described": (),
        "described_count": 0,
        "title": "Too many rejections at all of acme",
        "sentence": "Too many rejections at all of acme.",
        "notice_title": "Too many rejections at all of acme",
        "notice": "Too many rejections at all of acme.",
    }
    return Incident(schema_version=1, **(fields | given))


def ended(revision: int = 2, **given: Any) -> Incident:
    """The same, after its rate came back."""
    fields: dict[str, Any] = {"state": "ended", "change": "ended", "ended_by": "within", "until": AT}
    return incident(revision, **(fields | given))


def merged(revision: int = 2, into: str | None = OTHER_ID, **given: Any) -> Incident:
    """The same, found to be a part of another one."""
    fields: dict[str, Any] = {"state": "merged", "change": "merged", "merged_into": into}
    return incident(revision, **(fields | given))


def access(**given: Any) -> PlatformAlert:
    """That two people opened what is somebody else's case; resolved: that it is over, half an hour later."""
    over = given.get("state") == "resolved"
    fields: dict[str, Any] = {
        "alert_id": derived_id("platform-alert", "imagery", "break_glass", "g-1"),
        "state": "firing",
        "severity": "critical",
        "service": "imagery",
        "kind": "break_glass",
        "raised_at": AT + timedelta(minutes=30) if over else AT,
        "summary": "Account p-1 may open imagery of case c-1, which is not theirs, because account p-2 agreed.",
        "values": {"minutes": 30.0},
        "access": Access(
            tenant="acme",
            case_id="c-1",
            grant_id="g-1",
            person="p-1",
            second_person="p-2",
            granted_to=None,
            until=AT + timedelta(minutes=30),
        ),
    }
    return PlatformAlert(schema_version=1, **(fields | given))
