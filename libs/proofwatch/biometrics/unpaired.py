"""The difference of two error rates of different trials: two segments, two periods, two versions.

For two rules judged on the same trials see `paired`. Two intervals, both from score statistics and usable with few or
no errors, where the textbook interval (Wald) is far too short:

* Newcombe's hybrid of two Wilson intervals (Newcombe 1998, Statistics in Medicine 17:873-890, method 10): to be shown.
* Miettinen & Nurminen's score interval (1985, Statistics in Medicine 4:213-226): for a decision; about exact coverage.
"""

from math import acos, cos, pi, sqrt

from proofwatch.biometrics.intervals import two_sided_z, wilson

_HALVINGS = 60


def newcombe(k1: int, n1: int, k2: int, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided interval (low, high) of k1 / n1 - k2 / n2, within -1..1.

    Raises ValueError when a side has no trial or its errors are outside 0..n.
    """
    (low1, high1), (low2, high2) = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    p1, p2 = k1 / n1, k2 / n2
    below = sqrt((p1 - low1) ** 2 + (high2 - p2) ** 2)
    above = sqrt((high1 - p1) ** 2 + (p2 - low2) ** 2)
    return max(-1.0, p1 - p2 - below), min(1.0, p1 - p2 + above)


def miettinen_nurminen(k1: int, n1: int, k2: int, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided score interval (low, high) of k1 / n1 - k2 / n2, within -1..1.

    Raises ValueError when a side has no trial or its errors are outside 0..n.
    """
    for k, n in ((k1, n1), (k2, n2)):
        if n < 1 or not 0 <= k <= n:
            raise ValueError(f"{k} errors in {n} trials: needs at least one trial and 0 <= errors <= trials")
    z = two_sided_z(confidence)
    return -_upper(k2, n2, k1, n1, z), _upper(k1, n1, k2, n2, z)


def _upper(k1: int, n1: int, k2: int, n2: int, z: float) -> float:
    """Return the difference above the observed one at which the score statistic is -z, by bisection."""
    low, high = k1 / n1 - k2 / n2, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if _statistic(k1, n1, k2, n2, middle) < -z:
            high = middle
        else:
            low = middle
    return high


def _statistic(k1: int, n1: int, k2: int, n2: int, difference: float) -> float:
    """Return the score statistic of a hypothetical difference; its variance is at the likelihood estimate under it."""
    p2 = _restricted(k1, n1, k2, n2, difference)
    p1 = min(1.0, max(0.0, p2 + difference))
    n = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * n / (n - 1)
    gap = k1 / n1 - k2 / n2 - difference
    if variance <= 0.0:
        return 0.0 if gap == 0.0 else float("-inf") if gap < 0 else float("inf")
    return gap / sqrt(variance)


def _restricted(k1: int, n1: int, k2: int, n2: int, difference: float) -> float:
    """Return the likelihood estimate of the second rate when the first is `difference` more: a root of a cubic.

    Closed form of Miettinen & Nurminen 1985, appendix.
    """
    n = n1 + n2
    c3 = float(n)
    c2 = (n1 + 2 * n2) * difference - n - (k1 + k2)
    c1 = (n2 * difference - n - 2 * k2) * difference + k1 + k2
    c0 = k2 * difference * (1 - difference)
    q = (c2 / (3 * c3)) ** 3 - c1 * c2 / (6 * c3**2) + c0 / (2 * c3)
    p = sqrt(max(0.0, (c2 / (3 * c3)) ** 2 - c1 / (3 * c3)))
    p = p if q > 0 else -p
    angle = (pi + acos(max(-1.0, min(1.0, q / p**3 if p else 0.0)))) / 3
    root = 2 * p * cos(angle) - c2 / (3 * c3)
    return min(1.0, 1.0 - difference, max(0.0, -difference, root))
