"""The events that follow from a judgement."""

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Basis, Guidance, Mfa, Transaction, Verdict
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import Judgement, attempts_left
from services.scorer.core.step_up import log_time


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


def guidance(
    event: Transaction, judgement: Judgement, rulebook: Rulebook, basis: Basis, mfa: Mfa | None = None
) -> Guidance:
    """Return what a user does next who was not accepted, or who is under step-up MFA (`mfa`)."""
    assert judgement.action != "none", "an accepted user needs no guidance, unless with_step_up was applied"
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
        step_up_until=log_time(mfa.until_ms) if mfa else None,
    )
