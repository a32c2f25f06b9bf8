"""Which finding of a cause names its incident, which has the most evidence, and whose words it is told in. Pure."""

from datetime import datetime
from typing import Final

from proofwatch.detection.begin import CHANCE, chance_of, worst_of
from proofwatch.detection.findings import FindingHistory, excess

_KNOWS_CAUSE: Final = frozenset({"version_change"})


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
