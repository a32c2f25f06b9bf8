"""Confidence bounds of a proportion of k errors in n independent trials.

Two intervals with two jobs, never mixed:

* Wilson's score interval is *shown*: its mean coverage is close to nominal even for small n and k = 0
  (Wilson 1927; Brown, Cai & DasGupta 2001).
* The one-sided Clopper-Pearson bound *judges*: it is conservative, so a limit is never called kept by
  luck of the approximation (Clopper & Pearson 1934; test size and uncertainty in ISO/IEC 19795-1).
"""

from functools import lru_cache
from math import ceil, log, log1p, sqrt
from statistics import NormalDist


def wilson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided Wilson score interval (low, high) of k / n, both in [0, 1].

    Raises ValueError when n < 1 or k is outside 0..n.
    """
    _check(k, n)
    z = two_sided_z(confidence)
    z2 = z * z
    centre = (k + z2 / 2) / (n + z2)
    half = z / (n + z2) * sqrt(k * (n - k) / n + z2 / 4)
    # At the ends the bound is 0 or 1 by algebra; rounding must not show 1e-18 or 0.9999999999.
    return (0.0 if k == 0 else max(0.0, centre - half), 1.0 if k == n else min(1.0, centre + half))


def clopper_pearson_upper(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided upper bound: the rate p at which P(X <= k) = 1 - confidence.

    Raises ValueError when n < 1 or k is outside 0..n.
    """
    _check(k, n)
    if k == n:
        return 1.0
    if k == 0:
        return 1.0 - float((1.0 - confidence) ** (1.0 / n))
    return _beta_quantile(k + 1, n - k, confidence)


def clopper_pearson_lower(k: int, n: int, confidence: float = 0.95) -> float:
    """Return the exact one-sided lower bound: the rate p at which P(X >= k) = 1 - confidence.

    Raises ValueError when n < 1 or k is outside 0..n.
    """
    _check(k, n)
    if k == 0:
        return 0.0
    if k == n:
        return float((1.0 - confidence) ** (1.0 / n))
    return _beta_quantile(k, n - k + 1, 1.0 - confidence)


def trials_needed(limit: float, confidence: float = 0.95) -> int:
    """Return the smallest n with which 0 errors show that the rate is at most `limit`.

    The exact form of the "rule of 3" (ISO/IEC 19795-1): (1 - limit)^n <= 1 - confidence.
    Raises ValueError when the limit is not strictly between 0 and 1.
    """
    if not 0.0 < limit < 1.0:
        raise ValueError(f"limit {limit!r} is not a rate strictly between 0 and 1")
    return ceil(log(1.0 - confidence) / log1p(-limit))


@lru_cache(maxsize=16)
def two_sided_z(confidence: float) -> float:
    """Return the normal deviate that a two-sided interval of this confidence reaches out to."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def _beta_quantile(a: float, b: float, q: float) -> float:
    # Imported on first use: it costs a tenth of a second, and most start-ups never need it.
    from scipy.special import betaincinv

    return float(betaincinv(a, b, q))


def _check(k: int, n: int) -> None:
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"{k} errors in {n} trials: needs at least one trial and 0 <= errors <= trials")
