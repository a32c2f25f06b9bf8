"""Suspicions as events: one way to make them, so that the same cause has the same id and severity everywhere."""

from typing import Final, Literal

from proofwatch.detection.velocity import Crossing
from proofwatch.events.enumerations import SuspicionReason, SuspicionSeverity
from proofwatch.events.identity import attempt_of, derived_id
from proofwatch.events.types import Device, DeviceProof, Suspicion, Timings, Transaction

SEVERITY: Final[dict[SuspicionReason, SuspicionSeverity]] = {
    "liveness_failures_persist": "high",  # a person is to look at it at once: the verdict is a referral
    "match_far_below_threshold": "low",  # the wrong document as often as another face; attempts refer those who insist
    "liveness_far_below_threshold": "medium",  # poor light costs a little; so low a score is rarely a live person's
    "subject_velocity": "medium",  # somebody tries until it works; also an upstream that sends in a loop
    "device_velocity": "medium",  # a farm behind one handset; also a handset in a branch office
    "attack_pattern": "high",  # where nobody says otherwise; a published pattern names its own
    "alarmed_cohort": "low",  # says nothing about this person, only that the cohort's transactions are looked at
}
"""How urgent. Triage escalates a case that has a high reason, or several."""


def suspicion(
    cause: Transaction | DeviceProof,
    reason: SuspicionReason,
    evidence: dict[str, float],
    policy_hash: str,
    *detail: object,
    severity: SuspicionSeverity | None = None,
    pattern_id: str | None = None,
) -> Suspicion:
    """Return the suspicion that a transaction raises; `detail` tells apart several of one reason."""
    return Suspicion(
        schema_version=1,
        suspicion_id=derived_id("suspicion", cause.tenant, cause.transaction_id, reason, *detail, *attempt_of(cause)),
        tenant=cause.tenant,
        transaction_id=cause.transaction_id,
        subject_ref=cause.subject_ref,
        occurred_at=cause.occurred_at,
        reason=reason,
        severity=severity or SEVERITY[reason],
        evidence=evidence,
        policy_hash=policy_hash,
        imagery_ref=cause.imagery_ref,
        pattern_id=pattern_id,
        imagery_sha256=cause.imagery_sha256,
        imagery_media_type=cause.imagery_media_type,
        device=_device_of(cause),
        timings=_timings_of(cause),
    )


def velocity(
    cause: Transaction | DeviceProof,
    reason: Literal["subject_velocity", "device_velocity"],
    crossing: Crossing,
    policy_hash: str,
) -> Suspicion:
    """Return the suspicion of a velocity rule that is crossed; evidence: `count`, `window_minutes`, `limit`."""
    minutes, limit, counted = crossing
    evidence = {"count": float(counted), "window_minutes": float(minutes), "limit": float(limit)}
    return suspicion(cause, reason, evidence, policy_hash, minutes, limit)


def _device_of(cause: Transaction | DeviceProof) -> Device | None:
    return Device(ref=cause.device_ref) if isinstance(cause, DeviceProof) else cause.device


def _timings_of(cause: Transaction | DeviceProof) -> Timings | None:
    return None if isinstance(cause, DeviceProof) else cause.timings
