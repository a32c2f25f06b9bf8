"""Events that triage reads, with only what a test cares about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly, Suspicion

AT = datetime(2026, 1, 1, tzinfo=UTC)
TAG = "0123456789abcdef0123456789abcdef"


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


def anomaly(revision: int = 1, **given: Any) -> Anomaly:
    """A firing high anomaly of acme's rejection rate; each revision judges a window five minutes later."""
    start = AT + timedelta(minutes=5 * revision)
    fields: dict[str, Any] = {
        "anomaly_id": derived_id("anomaly", "twice_baseline", "rejection_rate", "acme", None, None, 300, AT),
        "revision": revision,
        "state": "firing",
        "tenant": "acme",
        "segment_name": None,
        "segment_value": None,
        "metric": "rejection_rate",
        "rule": "twice_baseline",
        "cadence": "real_time",
        "severity": "high",
        "action": "flag_cohort_for_manual_review",
        "window_start": start,
        "window_end": start + timedelta(minutes=5),
        "k": 40 + revision,
        "n": 1000,
        "rate": 0.04,
        "low": 0.03,
        "high": 0.054,
        "baseline_k": 100,
        "baseline_n": 10_000,
        "baseline_rate": 0.01,
        "baseline_periods": 8,
        "ratio": 4.0,
        "p_value": 1e-9,
        "backfill": False,
    }
    return Anomaly(schema_version=1, **(fields | given))
