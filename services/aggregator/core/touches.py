"""What touches what: which metrics a change of matcher, PAD, SDK, vendor or policy has a part in. One table.

`compared`: what it changes by itself, so what is compared before and after, lest an attack should be taken for its
doing; `follows`: decisions that follow from that. A governed marker has what is usual of both begin anew: rates by
window, minute and day, scores and durations (`core.governed_markers`). How many come is nobody's: no marker touches
volume, which follows by itself within two dates. `fta_rate` is also the share of each check's scores that are missing.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.governance.policy import Policy
from services.aggregator.core.figures import REFERRALS

MATCHER: Final = "matcher_version"
PAD: Final = "pad_version"
SDK: Final = "sdk_version"
VENDOR: Final = "vendor"
POLICY: Final = "policy"


class Touched(NamedTuple):
    """Metrics."""

    compared: frozenset[str]
    follows: frozenset[str] = frozenset()

    @property
    def begins_anew(self) -> frozenset[str]:
        """Return the metrics of which what is usual, and what watches them, begin anew."""
        found = self.compared | self.follows
        return found | {PEOPLE_REFERRED} if REFERRALS in found else found


_DECISIONS: Final = frozenset({"rejection_rate", "retry_rate", "refer_rate"})
_CHECKS: Final = frozenset({"match_fail_rate", "liveness_fail_rate", "fta_rate"})
_MEASURED: Final = frozenset({"match_score", "liveness_score", "capture_ms", "upload_ms", "match_ms", "liveness_ms"})
_EVERYTHING: Final = Touched(_DECISIONS | _CHECKS | _MEASURED)
TOUCHES: Final[Mapping[str, Touched]] = {
    MATCHER: Touched(frozenset({"match_fail_rate", "match_score", "match_ms"}), _DECISIONS),
    PAD: Touched(frozenset({"liveness_fail_rate", "liveness_score", "liveness_ms"}), _DECISIONS),
    SDK: _EVERYTHING,
    VENDOR: _EVERYTHING,
    POLICY: Touched(_DECISIONS | _CHECKS - {"fta_rate"}),  # as long as nobody knows what in it changed
}
_PARTS: Final[Mapping[str, Touched]] = {
    "match.threshold": Touched(_DECISIONS | {"match_fail_rate"}),
    "liveness.threshold": Touched(_DECISIONS | {"liveness_fail_rate"}),
    "required_checks": Touched(_DECISIONS | {"fta_rate"}),
    "attempts": Touched(frozenset({"retry_rate", "refer_rate"})),
}
"""Of a policy. What it says of limits, segments, suspicions, step-up and monitoring moves no rate of these."""


def by_policy(before: Policy, after: Policy) -> Touched:
    """Return what another policy touches: what follows from the parts that differ."""
    parts = [touched for name, touched in _PARTS.items() if _part(before, name) != _part(after, name)]
    return Touched(frozenset().union(*(each.compared for each in parts)))


def _part(policy: Policy, name: str) -> object:
    found: object = policy
    for each in name.split("."):
        found = getattr(found, each)
    return found
