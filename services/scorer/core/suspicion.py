"""What makes a transaction suspicious, as events with a reason code and the numbers behind it.

`SOURCES` lists everything that can. A row rests on a failed check or on one of the `Signals`; there is no third kind.
So what is accepted without a signal raises nothing, and the shortcut for plain accepts (`decision.plain_accept`) asks
for nothing else: a new reason needs a row here, and where an accept may have it, a field of `Signals`.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

from proofwatch.detection.suspicions import suspicion, velocity
from proofwatch.detection.velocity import Crossing
from proofwatch.events.enumerations import SuspicionReason
from proofwatch.events.types import Basis, Control, Suspicion, Transaction
from services.scorer.core.compiled_policy import CompiledPolicy
from services.scorer.core.patterns import Pattern
from services.scorer.core.rules import Judgement


class Signals(NamedTuple):
    """What is known against a transaction beside its own scores; each is empty where there is nothing.

    `crossings`: velocity rules that it crosses. `patterns`: attack patterns that it matches. `alarms`: the
    `alarmed_cohort` controls in force for its cohorts.
    """

    crossings: tuple[Crossing, ...]
    patterns: tuple[Pattern, ...]
    alarms: tuple[Control, ...]


NO_SIGNALS: Final = Signals((), (), ())


class Suspect(NamedTuple):
    """A transaction that was judged. `begins_episode`: liveness failures persist, and that has not been raised yet."""

    event: Transaction
    judgement: Judgement
    basis: Basis
    policy: CompiledPolicy
    begins_episode: bool


class OfFailure(NamedTuple):
    """A reason that only a failed check gives."""

    reason: SuspicionReason
    raised: Callable[[Suspect], Iterable[Suspicion]]


class OfSignal(NamedTuple):
    """A reason that a signal gives, whatever the decision: `raised` gets what the field `signal` of `Signals` holds."""

    reason: SuspicionReason
    signal: str
    raised: Callable[[Suspect, Any], Iterable[Suspicion]]


def suspicions(suspect: Suspect, signals: Signals) -> list[Suspicion]:
    """Return every suspicion that the transaction raises."""
    found: list[Suspicion] = []
    if suspect.judgement.failed:
        for _, raised in _OF_FAILURES:
            found += raised(suspect)
    if signals != NO_SIGNALS:
        for _, signal, raised_by in _OF_SIGNALS:
            found += raised_by(suspect, getattr(signals, signal))
    return found


def _persisting_liveness(suspect: Suspect) -> Iterable[Suspicion]:
    """Once an episode. Evidence: `attempts` (failures, this one included), `threshold`, and `score` if there is one."""
    if not suspect.begins_episode:
        return ()
    event, basis = suspect.event, suspect.basis
    evidence = {"attempts": float(basis.attempts_before.liveness + 1), "threshold": basis.liveness_threshold}
    if event.liveness_score is not None:
        evidence["score"] = event.liveness_score
    return (suspicion(event, "liveness_failures_persist", evidence, basis.policy_hash),)


def _match_far_below(suspect: Suspect) -> Iterable[Suspicion]:
    """Evidence: `score`, `limit` (of being far below) and `threshold` (of the check)."""
    score, limit, basis = suspect.event.match_score, suspect.policy.match_far_below, suspect.basis
    if score is None or score >= limit or suspect.judgement.match_outcome != "fail":
        return ()
    evidence = {"score": score, "limit": limit, "threshold": basis.match_threshold}
    return (suspicion(suspect.event, "match_far_below_threshold", evidence, basis.policy_hash),)


def _liveness_far_below(suspect: Suspect) -> Iterable[Suspicion]:
    """Evidence: likewise."""
    score, limit, basis = suspect.event.liveness_score, suspect.policy.liveness_far_below, suspect.basis
    if score is None or score >= limit or suspect.judgement.liveness_outcome != "fail":
        return ()
    evidence = {"score": score, "limit": limit, "threshold": basis.liveness_threshold}
    return (suspicion(suspect.event, "liveness_far_below_threshold", evidence, basis.policy_hash),)


def _velocity(suspect: Suspect, crossings: Iterable[Crossing]) -> Iterable[Suspicion]:
    return [velocity(suspect.event, "subject_velocity", each, suspect.basis.policy_hash) for each in crossings]


def _matched(suspect: Suspect, patterns: Iterable[Pattern]) -> Iterable[Suspicion]:
    event, policy_hash = suspect.event, suspect.basis.policy_hash
    return [
        suspicion(
            event,
            "attack_pattern",
            each.evidence(event),
            policy_hash,
            each.published.pattern_id,
            severity=each.published.severity,
            pattern_id=each.published.pattern_id,
        )
        for each in patterns
    ]


def _alarmed(suspect: Suspect, alarms: Iterable[Control]) -> Iterable[Suspicion]:
    event, policy_hash = suspect.event, suspect.basis.policy_hash
    return [suspicion(event, "alarmed_cohort", dict(each.evidence), policy_hash, each.control_id) for each in alarms]


_OF_FAILURES: Final = (
    OfFailure("liveness_failures_persist", _persisting_liveness),
    OfFailure("match_far_below_threshold", _match_far_below),
    OfFailure("liveness_far_below_threshold", _liveness_far_below),
)
_OF_SIGNALS: Final = (
    OfSignal("subject_velocity", "crossings", _velocity),
    OfSignal("attack_pattern", "patterns", _matched),
    OfSignal("alarmed_cohort", "alarms", _alarmed),
)
SOURCES: Final = (*_OF_FAILURES, *_OF_SIGNALS)
"""Everything that can raise a suspicion here, in the order in which a transaction's suspicions are published."""
