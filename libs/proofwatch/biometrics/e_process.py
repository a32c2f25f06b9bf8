"""The one-shot e-process: evidence that a rate is above a limit, which may be looked at after every trial.

With k errors in n independent trials, E = the mean likelihood of rates *above* the limit over the likelihood of the
limit itself:

    E(k, n) = integral over q in (limit, 1] of (q / limit)^k ((1 - q) / (1 - limit))^(n - k) dBeta(a, b | q > limit)

While the rate is at most the limit, E ever reaches 1 / alpha with probability at most alpha, however often it is looked
at (Ville 1939; Howard, Ramdas, McAuliffe & Sekhon 2021, Annals of Statistics 49:1055-1080). Repeated tests at 95 %
would reject in 23 % of such systems instead of 5 %.

The prior **must** be truncated to (limit, 1]. Untruncated, the same mixture also bets on rates *below* the limit, and
wins when the system is better than it must be: no error in 3,000 trials gives e^7 "against" 0.5 %. That is a test of
"rate = limit", not of "rate <= limit".
"""

from functools import lru_cache
from math import inf, log, log1p
from typing import NamedTuple


class Prior(NamedTuple):
    """A Beta(a, b) over the rates, truncated to those above the limit."""

    a: float
    b: float


def tuned_prior(limit: float, *, variance: float = 1.0, alpha: float = 0.05) -> Prior:
    """Return the prior whose bound is tightest at level `alpha` once n * limit * (1 - limit) is about `variance`.

    Its mean is the limit (Howard et al. 2021, beta-binomial mixture). At a limit of 0.5 % a variance of 1 is 200
    trials. Raises ValueError for a limit or level outside (0, 1) or a variance that is not positive.
    """
    if not 0.0 < limit < 1.0 or not 0.0 < alpha < 1.0 or not variance > 0.0:
        raise ValueError(f"limit {limit!r} and alpha {alpha!r} must lie between 0 and 1, variance {variance!r} above 0")
    spread = limit * (1 - limit)
    evidence = 2 * log(1 / min(1.0, 2 * alpha))
    weight = max(variance / (evidence + log1p(evidence)) - spread, 1e-3 * spread)
    return Prior(weight / (1 - limit), weight / limit)


def log_e(k: int, n: int, limit: float, prior: Prior) -> float:
    """Return the natural logarithm of E for k errors in n trials; 0 without trials.

    Raises ValueError when counts are not 0 <= k <= n, the limit is outside (0, 1) or the prior is no Beta.
    """
    if not 0 <= k <= n:
        raise ValueError(f"{k} errors in {n} trials, but 0 <= errors <= trials must hold")
    if not 0.0 < limit < 1.0 or not prior.a > 0.0 or not prior.b > 0.0:
        raise ValueError(f"limit {limit!r} must lie between 0 and 1, and {prior} hold two positive numbers")
    from scipy.special import betaln

    a, b = prior.a + k, prior.b + n - k
    mixture = float(betaln(a, b) - betaln(prior.a, prior.b)) + _log_above(limit, a, b) - _prior_above(limit, prior)
    return mixture - k * log(limit) - (n - k) * log1p(-limit)


def rejects(k: int, n: int, limit: float, alpha: float, prior: Prior | None = None) -> bool:
    """Return whether E has reached 1 / alpha: the rate is above the limit, at error probability alpha at any time."""
    return log_e(k, n, limit, tuned_prior(limit) if prior is None else prior) >= -log(alpha)


@lru_cache(maxsize=1024)
def _prior_above(limit: float, prior: Prior) -> float:
    return _log_above(limit, prior.a, prior.b)


def _log_above(x: float, a: float, b: float) -> float:
    """Return the logarithm of P(q > x) for q ~ Beta(a, b), also where the probability itself underflows."""
    from scipy.special import betaincc, betaln

    above = float(betaincc(a, b, x))
    if above > 1e-290:
        return log(above)
    # P(q > x) = x^a (1 - x)^b / (b B(a, b)) * sum of (a + b)_j / (b + 1)_j (1 - x)^j, whose terms fall since x is
    # far above the mean (DLMF 8.17.8 for the other tail).
    total = term = 1.0
    j = 0
    while term > 1e-17 * total:
        term *= (a + b + j) / (b + 1 + j) * (1 - x)
        total += term
        j += 1
        if total == inf:
            return -inf
    return a * log(x) + b * log1p(-x) - log(b) - float(betaln(a, b)) + log(total)
