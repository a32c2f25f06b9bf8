"""Anomalies as detectors publish them, for tests of what is made of them."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from proofwatch.detection.findings import Slice
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly

MIDNIGHT: Final = datetime(2026, 3, 2, tzinfo=UTC)


def anomaly(
    where: Slice = (None, None),
    metric: str = "liveness_fail_rate",
    *,
    k: int = 60,
    n: int = 100,
    minute: int = 840,
    **more: Any,
) -> Anomaly:
    """Return a firing anomaly of a five-minute window that begins `minute` minutes after midnight."""
    length = more.pop("length_s", 300)
    tenant, rule, baseline = more.pop("tenant", "bank"), more.pop("rule", "twice_baseline"), more.pop("baseline", 0.02)
    start = MIDNIGHT + timedelta(minutes=minute)
    first = more.pop("first", minute)
    fields: dict[str, Any] = {
        "schema_version": 1,
        "anomaly_id": derived_id("anomaly", rule, metric, tenant, *where, length, first),
        "revision": 1,
        "state": "firing",
        "tenant": tenant,
        "segment_name": where[0],
        "segment_value": where[1],
        "metric": metric,
        "rule": rule,
        "cadence": "daily" if length >= 86_400 else "real_time",
        "severity": "high",
        "action": "flag_cohort_for_manual_review",
        "window_start": start,
        "window_end": start + timedelta(seconds=length),
        "k": k,
        "n": n,
        "rate": k / n if n else 0.0,
        "low": 0.0,
        "high": 1.0,
        "baseline_k": 0,
        "baseline_n": 0,
        "baseline_rate": baseline,
        "baseline_periods": 0,
        "ratio": k / n / baseline if n and baseline else 0.0,
        "p_value": 1e-12,
        "backfill": False,
    }
    return Anomaly(**(fields | more))


def within(fired: Anomaly, minute: int, **more: Any) -> Anomaly:
    """Return the end of an anomaly, by the window that begins `minute` minutes after midnight."""
    start = MIDNIGHT + timedelta(minutes=minute)
    ended: dict[str, Any] = {name: getattr(fired, name) for name in fired.__struct_fields__} | {
        "revision": fired.revision + 1,
        "state": "resolved",
        "window_start": start,
        "window_end": start + (fired.window_end - fired.window_start),
        "k": 2,
        "n": 100,
        "rate": 0.02,
    }
    return Anomaly(**(ended | more))
