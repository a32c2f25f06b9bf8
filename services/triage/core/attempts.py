"""Attempts as triage keeps them (ADR 0065): what a verdict says of one, and which are kept. Pure.

Of everybody those that did not pass cleanly are kept; of who has one such, those that passed within thirty days after
it. So it follows from the verdicts of a person alone, in the order of the log: a replay keeps the same.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from proofwatch.events.types import Verdict
from proofwatch.privacy.marks import trait_mark
from proofwatch.privacy.suppression import Whose
from services.triage.core.traits import SLICES, durations_of

WATCHED: Final = timedelta(days=30)
"""So long after an attempt that did not pass, those of the same person that do are kept, too."""


class Attempt(NamedTuple):
    """What became of an attempt. `attempt_id` empty: the first of its transaction.

    `handset`, `durations`, `slices`: marks of traits; None, or fewer: it said none. Scores and thresholds: 0 to 1.
    """

    tenant: str
    transaction_id: str
    attempt_id: str
    at: datetime
    logged_at: datetime
    decision: str
    action: str
    reasons: tuple[str, ...]
    match_outcome: str
    liveness_outcome: str
    match_score: float | None
    liveness_score: float | None
    match_threshold: float
    liveness_threshold: float
    policy_hash: str
    handset: str | None
    durations: str | None
    slices: tuple[str, ...]

    @property
    def passed_cleanly(self) -> bool:
        """Return whether it was accepted with nothing to say against it."""
        return self.decision == "accept" and not self.reasons


def attempt_of(verdict: Verdict, logged_at: datetime, secret: bytes) -> Attempt:
    """Return the attempt that a verdict is about; `secret`: the deployment's for marks. Raises `OverflowError`.

    Its subject, segments and versions stay behind; of its handset and durations marks are kept.
    """
    device, timings, basis = verdict.device, verdict.timings, verdict.basis

    def mark(kind: str, value: str | None) -> str | None:
        return trait_mark(secret, verdict.tenant, kind, value) if value else None

    of_slices = (device.model, device.os, device.sdk_version) if device else ()
    slices = (mark(*each) for each in zip(SLICES, of_slices, strict=False))
    return Attempt(
        tenant=verdict.tenant,
        transaction_id=verdict.transaction_id,
        attempt_id=verdict.attempt_id or "",
        at=verdict.occurred_at.astimezone(UTC),
        logged_at=logged_at,
        decision=verdict.decision,
        action=verdict.action,
        reasons=verdict.reasons,
        match_outcome=verdict.match_outcome,
        liveness_outcome=verdict.liveness_outcome,
        match_score=verdict.match_score,
        liveness_score=verdict.liveness_score,
        match_threshold=basis.match_threshold,
        liveness_threshold=basis.liveness_threshold,
        policy_hash=basis.policy_hash,
        handset=mark("device", device.ref) if device else None,
        durations=mark("timing", durations_of(timings)) if timings else None,
        slices=tuple(each for each in slices if each),
    )


def to_keep(read: Iterable[tuple[Whose, Attempt]], known: Mapping[Whose, datetime]) -> list[tuple[Whose, Attempt]]:
    """Return those that are kept, in their order.

    `known`: when the newest of each person that is kept was logged, before these; of who has none, nothing.
    """
    newest, kept = dict(known), list[tuple[Whose, Attempt]]()
    for whose, attempt in read:
        last = newest.get(whose)
        if not attempt.passed_cleanly or (last is not None and attempt.logged_at - last < WATCHED):
            kept.append((whose, attempt))
            newest[whose] = attempt.logged_at if last is None else max(last, attempt.logged_at)
    return kept
