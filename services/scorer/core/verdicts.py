"""The events that follow from a judgement."""

from proofwatch.events.identity import attempt_of, derived_id
from proofwatch.events.types import Basis, Guidance, Mfa, Transaction, Verdict
from proofwatch.instants import instant_of
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.rules import Judgement, attempts_left


def verdict(event: Transaction, judgement: Judgement, basis: Basis) -> Verdict:
    """Return the verdict; nothing in it depends on when or where it was made."""
    decision, action, reasons, match_outcome, liveness_outcome, _, _, _ = judgement
    return Verdict(  # by position, in the schema's order: a third of the price of names
        1,
        event.tenant,
        event.transaction_id,
        event.subject_ref,
        event.occurred_at,
        decision,
        action,
        reasons,
        match_outcome,
        liveness_outcome,
        event.match_score,
        event.liveness_score,
        basis,
        event.device,
        event.timings,
        event.segments,
        event.attempt_id,
        event.matcher_version,
        event.pad_version,
    )


def guidance(
    event: Transaction, judgement: Judgement, policy: CompiledPolicy, basis: Basis, mfa: Mfa | None = None
) -> Guidance:
    """Return what a user does next who was not accepted, or who is under step-up MFA (`mfa`)."""
    assert judgement.action != "none", "an accepted user needs no guidance, unless with_step_up was applied"
    return Guidance(
        schema_version=1,
        guidance_id=derived_id("guidance", event.tenant, event.transaction_id, judgement.action, *attempt_of(event)),
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        action=judgement.action,
        message_code=judgement.message_code,
        attempts_left=attempts_left(judgement, policy, basis.attempts_before),
        step_up_until=instant_of(mfa.until_ms) if mfa else None,
        attempt_id=event.attempt_id,
    )
