"""The work that every framework is given: validate a transaction, apply the two thresholds, produce a verdict.

Validation, verdict and encoding are the product's own generated types, so that with them only the framework differs.
It is less than what the scorer does: no attempts, no duplicates, no look at key and time, no dead letters.
"""

from proofwatch.events.codec import TRANSACTION, VERDICT
from proofwatch.events.types import Attempts, Basis, Transaction, Verdict

MATCH, MARGINAL, LIVENESS = 0.85, 0.90, 0.995
POLICY_HASH = "0" * 32

_BASIS = Basis(
    policy_hash=POLICY_HASH,
    controls_version=0,
    patterns_version=0,
    match_threshold=MATCH,
    liveness_threshold=LIVENESS,
    attempts_before=Attempts(match=0, liveness=0),
)


def rules(match: float | None, liveness: float | None) -> tuple[str, str, tuple[str, ...], str, str]:
    """Return decision, action, reasons, match outcome and liveness outcome."""
    if match is None or liveness is None:
        return "retry", "retake_selfie", ("match_missing" if match is None else "liveness_missing",), "fail", "fail"
    matched = "pass" if match >= MARGINAL else "marginal" if match >= MATCH else "fail"
    if liveness < LIVENESS:
        return "retry", "retake_selfie", ("liveness_below_threshold",), matched, "fail"
    if matched == "fail":
        return "retry", "reupload_document", ("match_below_threshold",), "fail", "pass"
    return "accept", "none", ("match_marginal",) if matched == "marginal" else (), matched, "pass"


def decide(value: bytes) -> bytes:
    """Return the verdict of a transaction, both as bytes."""
    return VERDICT.encode(verdict(TRANSACTION.decode(value)))


def verdict(event: Transaction) -> Verdict:
    """Return the verdict."""
    decision, action, reasons, match, liveness = rules(event.match_score, event.liveness_score)
    return Verdict(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        decision=decision,  # type: ignore[arg-type]  # plain texts, as users of a framework would write them
        action=action,  # type: ignore[arg-type]
        reasons=reasons,  # type: ignore[arg-type]
        match_outcome=match,  # type: ignore[arg-type]
        liveness_outcome=liveness,  # type: ignore[arg-type]
        match_score=event.match_score,
        liveness_score=event.liveness_score,
        basis=_BASIS,
        device=event.device,
        timings=event.timings,
        segments=event.segments,
    )
