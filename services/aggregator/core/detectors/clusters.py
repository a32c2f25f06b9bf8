"""How much less the failures of a window prove because they come in clusters: of one subject who tries again.

Failures of one subject are no independent trials. If every failure is followed by a further one with probability q,
clusters are geometric with a mean of m = 1/(1 - q), and a sum of them varies by E[size²]/E[size] = 2 m - 1 times as
much as independent failures do (Kish 1965, section 8.2): 1.78 where 28 % fail again, 4 where 60 % do.

m is what the window itself shows, failures of all attempts to those of first ones: so what is extreme because of few
subjects with long clusters divides itself by them. `_PRIOR` clusters of the policy's dispersion of what is unknown are
added, since a window with few failures does not tell. Where first attempts are not known, that dispersion stands in.
"""

from collections.abc import Mapping
from typing import Final

from services.aggregator.core.figures import PROXIES

_PRIOR: Final = 5
_ALL: Final = "rejection_rate"
"""Whose clusters are those of rates that first attempts do not tell: retries and referrals are of who was rejected."""
_CLUSTERED: Final = (*(each.metric for each in PROXIES), "fnmr", "bpcer")

Attempts = Mapping[str, tuple[int, int]]
"""k failures in n trials by metric."""


def design_effects(attempts: Attempts, first: Attempts | None, unknown: float) -> dict[str, float]:
    """Return by how much to divide the counts of each rate that retries are counted in, at least 1.

    `attempts`: of all attempts of a window; `first`: of first ones, None: they are not known; `unknown`: the dispersion
    of what is not known.
    """
    known = {metric: design_effect(attempts[metric][0], k, unknown) for metric, (k, _) in (first or {}).items()}
    return {metric: known.get(metric, known.get(_ALL, unknown)) for metric in known.keys() | attempts.keys()}


def unknown_effects(unknown: float) -> dict[str, float]:
    """Return the same where first attempts are not known, of rates by labels too: they are of transactions."""
    return dict.fromkeys(_CLUSTERED, unknown)


def design_effect(k: int, first_k: int, unknown: float) -> float:
    """Return by how much to divide k failures, `first_k` of them of first attempts, at least 1."""
    further = max(0, k - first_k) + _PRIOR * (unknown - 1) / 2
    return 1 + 2 * further / (first_k + _PRIOR)
