"""What makes a transaction suspicious, as events with a reason code and the numbers behind it."""

from typing import NamedTuple

from proofwatch.detection.suspicions import suspicion, velocity
from proofwatch.detection.velocity import Crossing
from proofwatch.events.types import Basis, Control, Suspicion, Transaction
from services.scorer.core.patterns import Pattern
from services.scorer.core.rules import Judgement


class FarBelow(NamedTuple):
    """Scores below these are far below their limit; 0: none is."""

    match: float
    liveness: float


class Grounds(NamedTuple):
    """What was found about a transaction beside its own scores.

    `persists`: liveness failures persist and the episode has had no suspicion. `alarms`: the `alarmed_cohort` controls
    in force for its cohorts.
    """

    persists: bool = False
    crossings: tuple[Crossing, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    alarms: tuple[Control, ...] = ()


NO_GROUNDS = Grounds()


def suspicions(
    event: Transaction, judgement: Judgement, basis: Basis, far_below: FarBelow, grounds: Grounds = NO_GROUNDS
) -> list[Suspicion]:
    """Return every suspicion that the transaction raises.

    An accepted transaction without grounds raises none: callers may spare the call.
    """
    found = [persisting_liveness(event, basis)] if grounds.persists else []
    if judgement.failed:
        found += _far_below(event, judgement, basis, far_below)
    found += [velocity(event, "subject_velocity", each, basis.policy_hash) for each in grounds.crossings]
    found += [_matched(event, basis, each) for each in grounds.patterns]
    found += [
        suspicion(event, "alarmed_cohort", dict(each.evidence), basis.policy_hash, each.control_id)
        for each in grounds.alarms
    ]
    return found


def is_far_below(event: Transaction, match_limit: float, liveness_limit: float) -> bool:
    """Return whether a score is below these limits; otherwise only grounds can make the transaction suspicious."""
    match, liveness = event.match_score, event.liveness_score
    return (match is not None and match < match_limit) or (liveness is not None and liveness < liveness_limit)


def persisting_liveness(event: Transaction, basis: Basis) -> Suspicion:
    """Return the suspicion that persisting liveness failures raise once per episode.

    Evidence: `attempts` (failures, this one included), `threshold`, and `score` unless this one is a non-response.
    """
    evidence = {"attempts": float(basis.attempts_before.liveness + 1), "threshold": basis.liveness_threshold}
    if event.liveness_score is not None:
        evidence["score"] = event.liveness_score
    return suspicion(event, "liveness_failures_persist", evidence, basis.policy_hash)


def _far_below(event: Transaction, judgement: Judgement, basis: Basis, limits: FarBelow) -> list[Suspicion]:
    """Evidence: `score`, `limit` (of being far below) and `threshold` (of the check)."""
    found = []
    score = event.match_score
    if score is not None and judgement.match_outcome == "fail" and score < limits.match:
        evidence = {"score": score, "limit": limits.match, "threshold": basis.match_threshold}
        found.append(suspicion(event, "match_far_below_threshold", evidence, basis.policy_hash))
    score = event.liveness_score
    if score is not None and judgement.liveness_outcome == "fail" and score < limits.liveness:
        evidence = {"score": score, "limit": limits.liveness, "threshold": basis.liveness_threshold}
        found.append(suspicion(event, "liveness_far_below_threshold", evidence, basis.policy_hash))
    return found


def _matched(event: Transaction, basis: Basis, pattern: Pattern) -> Suspicion:
    published = pattern.published
    return suspicion(
        event,
        "attack_pattern",
        pattern.evidence(event),
        basis.policy_hash,
        published.pattern_id,
        severity=published.severity,
        pattern_id=published.pattern_id,
    )
