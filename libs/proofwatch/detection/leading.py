"""Which finding of a cause names its incident, which has the most evidence, and whose words it is told in. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from proofwatch.detection.begin import CHANCE, chance_of, worst_of
from proofwatch.detection.findings import FindingHistory, excess, length_s
from proofwatch.detection.harm import KEEPS_OUT, harm_of
from proofwatch.events.types import Anomaly

_KNOWS_CAUSE: Final = frozenset({"version_change"})
_FOLLOWS: Final = frozenset({"rejection_rate", "retry_rate", "refer_rate", "people_refer_rate"})
"""What becomes of attempts that a check refuses."""
_NEVER_REACHED: Final = frozenset({"fta_rate", "match_fail_rate", "match_missing_rate"})
"""What may be otherwise because whom the liveness check refuses reaches no other."""
_CHECKS: Final = frozenset({"liveness_fail_rate", "match_fail_rate", "fta_rate"})
_MOST: Final = 0.5


def founds(finding: FindingHistory) -> tuple[bool, datetime, str]:
    """Return what findings of a cause are sorted by: the strong ones first, as they became known."""
    strong = chance_of(worst_of(finding)) < CHANCE
    return not strong, (finding.sure or finding.found) if strong else finding.found, finding.latest.anomaly_id


def weight(finding: FindingHistory) -> tuple[bool, float, str]:
    """Return what the root's own findings are sorted by: how much evidence they have, the most last."""
    worst = worst_of(finding)
    expected = max(worst.n * worst.baseline_rate, 1.0)
    return (worst.severity == "high", excess(worst) / expected**0.5, worst.anomaly_id)


def tells(finding: FindingHistory) -> tuple[bool, bool, float, str]:
    """Return whose words an incident has, the last: what knows the cause says better what to do than what counts."""
    high, beyond, name = weight(finding)
    return high, finding.latest.rule in _KNOWS_CAUSE, beyond, name


def leader(own: Sequence[FindingHistory]) -> FindingHistory:
    """Return whose words an incident has, of the root's own findings.

    What only follows from a check that refuses people, or from their not reaching the other one, is told with it and
    not in its place, where the check's own finding is as strong and has half as many of each hundred attempts.
    """
    best = max(own, key=tells)
    name = best.latest.metric.partition(":")[0]
    if name not in _FOLLOWS | _NEVER_REACHED:
        return best
    checks = _CHECKS if name in _FOLLOWS else _CHECKS - _NEVER_REACHED
    causes = [each for each in own if each.latest.metric in checks and _as_strong(each, best)]
    return max(causes, key=tells, default=best)


def newest_of(telling: FindingHistory, own: Sequence[FindingHistory]) -> FindingHistory:
    """Return the last time that what `telling` tells of began, as far as that is strong too: it may hold again.

    What is told when something holds again, or ended again, is of that time and not of the first.
    """
    series = _series(telling)
    later = [each for each in own if each.worst and _series(each) == series and each.since_ms >= telling.since_ms]
    strong = [each for each in later if chance_of(worst_of(each)) < CHANCE]
    return max(strong, key=lambda each: (each.since_ms, each.latest.anomaly_id), default=telling)


def _series(finding: FindingHistory) -> tuple[object, ...]:
    of = finding.latest
    length = round(length_s(worst_of(finding)) / 86_400) if of.cadence == "daily" else 0
    return of.rule, of.metric, finding.where, of.direction, of.counted, length


def _as_strong(finding: FindingHistory, other: FindingHistory) -> bool:
    own, its = worst_of(finding), worst_of(other)
    out = harm_of(own) in KEEPS_OUT
    return out and (own.severity == "high") >= (its.severity == "high") and _beyond(own) >= _MOST * _beyond(its)


def _beyond(anomaly: Anomaly) -> float:
    """Return how many of its attempts went otherwise than expected, as a share: windows are of several lengths."""
    return excess(anomaly) / max(anomaly.n, 1)
