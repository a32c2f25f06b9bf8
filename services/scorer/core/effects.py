"""The events that follow from a judgement."""

from typing import Final

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Basis, Guidance, Suspicion, Transaction, Verdict
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import Judgement, attempts_left

LIVENESS_PERSISTS: Final = "liveness_failures_persist"


def verdict(event: Transaction, judgement: Judgement, basis: Basis) -> Verdict:
    """Return the verdict; nothing in it depends on when or where it was made."""
    return Verdict(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        decision=judgement.decision,
        action=judgement.action,
        reasons=judgement.reasons,
        match_outcome=judgement.match_outcome,
        liveness_outcome=judgement.liveness_outcome,
        match_score=event.match_score,
        liveness_score=event.liveness_score,
        basis=basis,
        device=event.device,
        timings=event.timings,
        segments=event.segments,
    )


def guidance(event: Transaction, judgement: Judgement, rulebook: Rulebook, basis: Basis) -> Guidance:
    """Return what a user who was not accepted does next."""
    assert judgement.action != "none", "an accepted user needs no guidance"
    return Guidance(
        schema_version=1,
        guidance_id=derived_id("guidance", event.tenant, event.transaction_id, judgement.action),
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        action=judgement.action,
        message_code=judgement.message_code,
        attempts_left=attempts_left(judgement, rulebook, basis.attempts_before),
    )


def persisting_liveness(event: Transaction, basis: Basis) -> Suspicion:
    """Return the suspicion that persisting liveness failures raise once per episode.

    Evidence: `attempts` (failures, this one included), `threshold`, and `score` unless this one is a non-response.
    """
    evidence = {"attempts": float(basis.attempts_before.liveness + 1), "threshold": basis.liveness_threshold}
    if event.liveness_score is not None:
        evidence["score"] = event.liveness_score
    return Suspicion(
        schema_version=1,
        suspicion_id=derived_id("suspicion", event.tenant, event.transaction_id, LIVENESS_PERSISTS),
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        reason=LIVENESS_PERSISTS,
        severity="high",
        evidence=evidence,
        policy_hash=basis.policy_hash,
        imagery_ref=event.imagery_ref,
    )
