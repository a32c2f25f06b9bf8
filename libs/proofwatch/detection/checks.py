"""Which check a rate or a score is of, and whose errors labels prove. Pure."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final, Literal

from proofwatch.detection.findings import FindingHistory

Check = Literal["liveness", "match"]
_LIVENESS: Final = frozenset(
    {
        "liveness_fail_rate",
        "injection_accept_rate",
        "apcer",
        "bpcer",
        "apnrr",
        "bpnrr",
        "iapar",
        "liveness_score",
        "liveness_ms",
    }
)
_MATCH: Final = frozenset({"match_fail_rate", "fmr", "fnmr", "match_score", "match_ms"})
_GENUINE: Final = frozenset({"bpcer", "fnmr"})


@lru_cache(maxsize=1024)
def check_of(metric: str) -> Check | None:
    """Return the check that a metric is of; None: of the whole verdict, or of none."""
    name = metric.partition(":")[0]
    return "liveness" if name in _LIVENESS else "match" if name in _MATCH else None


def is_proven(finding: FindingHistory) -> bool:
    """Return whether a finding is of genuine people whom labels prove rejected."""
    return finding.latest.metric in _GENUINE


def proven_of_other(finding: FindingHistory, others: Iterable[FindingHistory]) -> bool:
    """Return whether labels prove that one check rejects genuine people, and the rest are errors of the other check.

    Either the finding is what labels prove, or the others are. Whoever is told of the other check is told nothing of
    it: rejections, and people who try again, are of both. Where the others have errors of the same check, too, one
    cause may do both.
    """
    own = check_of(finding.latest.metric)
    of_others = [(is_proven(each), check_of(each.latest.metric)) for each in others]
    checks = {check for _, check in of_others} - {None}
    if own is None or own in checks or not checks:
        return False
    return is_proven(finding) or all(proven for proven, check in of_others if check)
