"""A policy, flattened for the hot path: plain numbers in the units of the records."""

from dataclasses import dataclass
from typing import Self

from proofwatch.events.types import Attempts, Basis
from proofwatch.governance.policy import Policy

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What `judge` needs of one policy; `policy_hash` names it on every verdict.

    Scores are as in the events (0 to 1), durations in milliseconds, `limit` in failures of one check.
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

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Flatten `policy`."""
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
        )

    def basis(self, before: Attempts) -> Basis:
        """Return what a verdict of this policy rests on; controls and patterns are not in force: version 0."""
        return Basis(
            policy_hash=self.policy_hash,
            controls_version=0,
            patterns_version=0,
            match_threshold=self.match_threshold,
            liveness_threshold=self.liveness_threshold,
            attempts_before=before,
        )
