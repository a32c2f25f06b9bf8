"""A policy, flattened for the hot path: plain numbers in the units of the records."""

from dataclasses import dataclass
from typing import Self

from proofwatch.detection.velocity import Limit, least, limits_of
from proofwatch.events.types import Attempts, Basis
from proofwatch.governance.policy import Policy

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """What the core needs of one policy; `policy_hash` names it on every verdict.

    Scores are as in the events (0 to 1), durations in milliseconds, `limit` in failures of one check. A score under
    `match_far_below` or `liveness_far_below` is suspicious. Fewer than `velocity_least` proofs cross no rule of
    `velocity`. `label_sample` is a probability.
    """

    policy_hash: str
    match_threshold: float
    marginal_below: float
    liveness_threshold: float
    match_required: bool
    liveness_required: bool
    limit: int
    window_ms: int
    horizon_ms: int
    ahead_ms: int
    match_far_below: float
    liveness_far_below: float
    velocity: tuple[Limit, ...]
    velocity_least: int
    label_sample: float
    flagged_ms: int
    hold_ms: int

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Flatten `policy`."""
        suspicion, step_up, limits = policy.suspicion, policy.step_up, limits_of(policy.suspicion.subject_velocity)
        return cls(
            policy_hash=policy.hash,
            match_threshold=policy.match.threshold,
            marginal_below=policy.match.marginal_below,
            liveness_threshold=policy.liveness.threshold,
            match_required="match" in policy.required_checks,
            liveness_required="liveness" in policy.required_checks,
            limit=policy.attempts.limit,
            window_ms=policy.attempts.window_hours * _HOUR_MS,
            horizon_ms=policy.duplicate_horizon_minutes * _MINUTE_MS,
            ahead_ms=policy.max_ahead_seconds * 1000,
            match_far_below=suspicion.match_far_below,
            liveness_far_below=suspicion.liveness_far_below,
            velocity=limits,
            velocity_least=least(limits),
            label_sample=suspicion.label_sample,
            flagged_ms=step_up.flagged_days * _DAY_MS,
            hold_ms=step_up.hold_hours * _HOUR_MS,
        )

    def basis(
        self, before: Attempts, controls_version: int = 0, patterns_version: int = 0, *, step_up: bool = False
    ) -> Basis:
        """Return what a verdict of this policy rests on; version 0: no controls or patterns were in force."""
        return Basis(
            policy_hash=self.policy_hash,
            controls_version=controls_version,
            patterns_version=patterns_version,
            match_threshold=self.match_threshold,
            liveness_threshold=self.liveness_threshold,
            attempts_before=before,
            step_up=step_up or None,
            referred_before=max(before.match, before.liveness) >= self.limit or None,
        )
