"""Two error rates of the same trials under two rules: what differs, and whether the difference is more than chance.

Both rates share every trial, so only the discordant trials tell them apart: `newly` trials are errors under the new
rule alone, `no_longer` under the old one alone. Intervals for independent samples would be far too wide here.

* The interval of the difference is Tango's score interval (Tango 1998, Statistics in Medicine 17:891-908), the paired
  form of Wilson's: it holds its coverage where discordant trials are few, and has a width when there are none.
* The test is McNemar's in its exact form (McNemar 1947; the binomial test of `newly` among the discordant): given that
  a trial changed sides, both directions are equally likely under the null hypothesis.

Many cohorts mean many tests: see `multiplicity`. Rates of different trials: see `unpaired`.
"""

from functools import lru_cache
from math import sqrt

from proofwatch.biometrics.intervals import two_sided_z

_HALVINGS = 60


@lru_cache(maxsize=65_536)
def difference_interval(newly: int, no_longer: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided score interval (low, high) of (newly - no_longer) / n, within -1..1.

    Raises ValueError when n < 1 or the discordant trials are negative or more than n.
    """
    if n < 1 or newly < 0 or no_longer < 0 or newly + no_longer > n:
        raise ValueError(f"{newly} + {no_longer} discordant of {n} trials: needs n >= 1 and no more discordant than n")
    z = two_sided_z(confidence)
    return -_upper(no_longer, newly, n, z), _upper(newly, no_longer, n, z)


def mcnemar_exact(newly: int, no_longer: int) -> float:
    """Return the two-sided p of McNemar's exact test; 1 when no trial is discordant."""
    n, k = newly + no_longer, min(newly, no_longer)
    if k == n - k:
        return 1.0
    from scipy.special import bdtr  # on first use: it costs a tenth of a second

    return min(1.0, 2.0 * float(bdtr(k, n, 0.5)))


def _upper(more: int, fewer: int, n: int, z: float) -> float:
    """Return the difference above (more - fewer) / n at which the score statistic is -z, by bisection."""
    low, high = (more - fewer) / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _statistic(more, fewer, n, middle) < -z:
            high = middle
        else:
            low = middle
    return high


def _statistic(more: int, fewer: int, n: int, difference: float) -> float:
    """Return Tango's score statistic of a hypothetical difference.

    The variance uses the likelihood estimate, under that difference, of the share of trials that count for `fewer`.
    """
    b = (2 * n - more + fewer) * difference - more - fewer
    c = -fewer * difference * (1 - difference)
    share = (sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    if variance <= 0.0:
        return 0.0 if difference * n == more - fewer else float("-inf")
    return (more - fewer - n * difference) / sqrt(variance)
