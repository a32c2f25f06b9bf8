"""An error rate when trials come in clusters: retakes of one subject, presentations of one artefact.

Trials of one cluster resemble each other, so n of them tell less than n independent ones. The variance is that of the
cluster totals (ultimate clusters, Taylor linearisation: Kish 1965; Woodruff 1971); the design effect is its ratio to
the binomial variance, and n / design effect trials are what the data are worth.
"""

from collections.abc import Iterable
from math import sqrt

import msgspec

from proofwatch.biometrics.intervals import two_sided_z


class ClusteredRate(msgspec.Struct, frozen=True):
    """k errors in n trials of `clusters` clusters.

    `se_cluster`, `se_binomial` are standard errors of the rate; null with fewer than two clusters. `design_effect` is
    null also when all or no trials are errors: no variance is seen then, which is no proof that there is none.
    `n_eff` is n / design effect, at most n; where that is null, the number of clusters, which is certainly cautious.
    """

    k: int
    n: int
    clusters: int
    rate: float
    se_cluster: float | None
    se_binomial: float
    design_effect: float | None
    n_eff: float


def clustered_rate(clusters: Iterable[tuple[int, int]]) -> ClusteredRate:
    """Return the rate of clusters given as (errors, trials); clusters without trials are left out.

    Raises ValueError when counts are not 0 <= errors <= trials or there is no trial.
    """
    counts = [(k, n) for k, n in clusters if (k, n) != (0, 0)]
    for k, n in counts:
        if not 0 <= k <= n:
            raise ValueError(f"{k} errors in {n} trials, but 0 <= errors <= trials must hold")
    errors, trials, number = sum(k for k, _ in counts), sum(n for _, n in counts), len(counts)
    if not trials:
        raise ValueError("no trial in any cluster")
    rate = errors / trials
    binomial = rate * (1 - rate) / trials
    if number < 2:
        return ClusteredRate(errors, trials, number, rate, None, sqrt(binomial), None, float(number))
    between = sum((k - rate * n) ** 2 for k, n in counts) * number / (number - 1) / trials**2
    if binomial == 0.0:
        return ClusteredRate(errors, trials, number, rate, 0.0, 0.0, None, float(number))
    effect = between / binomial
    return ClusteredRate(errors, trials, number, rate, sqrt(between), sqrt(binomial), effect, trials / max(1.0, effect))


def bounds(rate: ClusteredRate, confidence: float = 0.95) -> tuple[float, float]:
    """Return one-sided lower and upper bounds of the rate, each at `confidence`: Clopper-Pearson on n_eff trials.

    The counts are scaled to n_eff with the rate kept, and n_eff further by the ratio of normal to t quantiles, since
    the design effect is itself an estimate (Korn & Graubard 1998, Survey Methodology 24:193-201).
    """
    from scipy.special import betaincinv, stdtrit  # on first use: see intervals

    dof = max(1, rate.clusters - 1)
    n = rate.n_eff * (two_sided_z(2 * confidence - 1) / float(stdtrit(dof, confidence))) ** 2
    k = rate.rate * n
    low = 0.0 if rate.k == 0 else float(betaincinv(k, n - k + 1, 1 - confidence))
    high = 1.0 if rate.k == rate.n else float(betaincinv(k + 1, n - k, confidence))
    return low, high
