"""Events that the notifier reads, with only what a test cares about."""

from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from proofwatch.events.types import Escalation, Incident, PlatformAlert, Reason
from tests.unit.triage.events import incident as triage_incident

AT = datetime(2026, 1, 1, tzinfo=UTC)
INCIDENT_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0001"
CASE_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0002"
ALERT_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0003"


def incident(**given: Any) -> Incident:
    """A firing incident of acme's rejection rate, just begun."""
    return replace(triage_incident(), **({"incident_id": INCIDENT_ID, "k": 41, "rate": 0.041} | given))


def escalation(**given: Any) -> Escalation:
    """A subject case of acme, escalated for persisting liveness failures."""
    fields: dict[str, Any] = {
        "escalation_id": "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0004",
        "case_id": CASE_ID,
        "revision": 2,
        "tenant": "acme",
        "subject_tag": "0123456789abcdef0123456789abcdef",
        "queue": "soc",
        "status": "escalated",
        "severity": "high",
        "raised_at": AT,
        "reasons": (reason(), reason(transaction_id="t-2")),
    }
    return Escalation(schema_version=1, **(fields | given))


def reason(**given: Any) -> Reason:
    """One reason of a case."""
    fields: dict[str, Any] = {
        "code": "liveness_failures_persist",
        "at": AT,
        "transaction_id": "t-1",
        "evidence": {"failures": 3.0},
    }
    return Reason(**(fields | given))


def platform_alert(**given: Any) -> PlatformAlert:
    """The scorer lags."""
    fields: dict[str, Any] = {
        "alert_id": ALERT_ID,
        "state": "firing",
        "severity": "warning",
        "service": "scorer",
        "kind": "lag",
        "raised_at": AT,
        "summary": "The scorer is behind.",
        "values": {"records": 1200.0},
    }
    return PlatformAlert(schema_version=1, **(fields | given))
