"""Whether what a segment value shows is its own: more than the rest of its tenant shows in the same windows.

Else a change of a whole tenant would be found once more for each of its values.
"""

from typing import NamedTuple

from services.aggregator.core.series import Direction


class Compared(NamedTuple):
    """Observed failures of a value and of the rest of its tenant, with those that are usual for each."""

    k: float
    expected: float
    rest_k: float
    rest_expected: float


def own_effect(seen: Compared, direction: Direction, ratio: float, alpha: float, phi: float) -> bool:
    """Return whether the value moved `ratio` times as far as the rest, significantly so at `alpha`.

    If both moved alike, the value's failures are a binomial share of all, as large as its share of the expected ones
    (the conditional test of two Poisson rates, Przyborowski & Wilenski 1940); counts are divided by the dispersion phi.
    A value without a rest is the tenant itself, which is judged.
    """
    if seen.rest_expected <= 0.0 or seen.expected <= 0.0:
        return False
    own, rest = seen.k / seen.expected, seen.rest_k / seen.rest_expected
    share = seen.expected / (seen.expected + seen.rest_expected)
    k, of_rest = seen.k / phi, seen.rest_k / phi
    # imported on first use: see biometrics.intervals
    from scipy.special import betainc

    if direction == "up":
        return k > 0 and own >= ratio * rest and bool(betainc(k, of_rest + 1, share) < alpha)
    return of_rest > 0 and rest >= ratio * own and bool(betainc(of_rest, k + 1, 1 - share) < alpha)
