"""Events that the notifier reads, with only what a test cares about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.events.types import Anomaly, Escalation, PlatformAlert, Reason

AT = datetime(2026, 1, 1, tzinfo=UTC)
ANOMALY_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0001"
CASE_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0002"
ALERT_ID = "5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0003"


def anomaly(**given: Any) -> Anomaly:
    """A firing high anomaly of acme's rejection rate."""
    fields: dict[str, Any] = {
        "anomaly_id": ANOMALY_ID,
        "revision": 1,
        "state": "firing",
        "tenant": "acme",
        "segment_name": None,
        "segment_value": None,
        "metric": "rejection_rate",
        "rule": "twice_baseline",
        "cadence": "real_time",
        "severity": "high",
        "action": "flag_cohort_for_manual_review",
        "window_start": AT,
        "window_end": AT + timedelta(minutes=5),
        "k": 41,
        "n": 1000,
        "rate": 0.041,
        "low": 0.03,
        "high": 0.054,
        "baseline_k": 100,
        "baseline_n": 10_000,
        "baseline_rate": 0.01,
        "baseline_periods": 8,
        "ratio": 4.1,
        "p_value": 1e-9,
        "backfill": False,
    }
    return Anomaly(schema_version=1, **(fields | given))


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
