"""The guarded 2 x baseline rule: is a failure rate more than twice what it used to be, and is that evidence?

`rate > 2 x baseline` alone is noise on small windows: at a true rate of 1 % and n = 100 it fires in 8 % of
all windows. So the event is always reported, but its severity is high only if a one-sided test of "the rate
is still the baseline's" has p < 0.001; else it is low evidence, and longer windows decide. That lowers false
alarms to 0.05 %.
"""

from typing import Literal

import msgspec

from proofwatch.biometrics.intervals import wilson

Severity = Literal["high", "low evidence"]
Basis = Literal["history", "history with prior", "expected rate"]


class Baseline(msgspec.Struct, frozen=True):
    """k failures in n trials over `periods` comparable earlier periods (alarmed ones left out by the caller)."""

    k: int
    n: int
    periods: int


class Comparison(msgspec.Struct, frozen=True):
    """The verdict on one window, with everything needed to explain it.

    `rate` (null without trials) with its Wilson 95 % interval `low`..`high`; `ratio` = rate / baseline_rate;
    `severity` is null exactly when the rate does not exceed factor x baseline_rate; `basis` says what the
    baseline was made of.
    """

    rate: float | None
    baseline_rate: float
    ratio: float | None
    exceeds: bool
    p_value: float
    severity: Severity | None
    low: float | None
    high: float | None
    basis: Basis


def compare(
    current_k: int,
    current_n: int,
    baseline: Baseline,
    expected_rate: float,
    factor: float = 2.0,
    alpha: float = 0.001,
    min_periods: int = 7,
    design_effect: float = 1.0,
) -> Comparison:
    """Compare current_k failures in current_n trials with the baseline.

    * With at least `min_periods` earlier periods: the conditional binomial test (Przyborowski & Wilenski
      1940). If both rates are equal, the current failures among all are Bin(k + kb, n / (n + nb)); p = P(X >=
      k).
    * With fewer, or none with trials: the exact binomial test against the policy's `expected_rate` (0 < rate
      < 1).
    * A baseline without a failure gets the Jeffreys prior Beta(1/2, 1/2): its rate is (0 + 1/2) / (nb + 1)
      instead of 0, of which everything would be infinitely more. The prior moves the rate only; the test uses
      the bare counts, so that the prior makes no alarm more significant than the data do.
    * Trials that cluster, such as retries of who failed, prove less: the tests count all of them divided by the
      `design_effect` (Kish 1965, section 8.2), at least 1.

    Raises ValueError when counts are not 0 <= k <= n, the expected rate is not strictly between 0 and 1, or the design
    effect is below 1.
    """
    _check("current", current_k, current_n)
    _check("baseline", baseline.k, baseline.n)
    if not 0.0 < expected_rate < 1.0:
        raise ValueError(f"expected_rate {expected_rate!r} is not a rate strictly between 0 and 1")
    if not design_effect >= 1.0:
        raise ValueError(f"design_effect {design_effect!r} is below 1")
    basis: Basis
    if baseline.periods < min_periods or baseline.n == 0:
        basis, baseline_rate = "expected rate", expected_rate
    elif baseline.k == 0:
        basis, baseline_rate = "history with prior", 0.5 / (baseline.n + 1)
    else:
        basis, baseline_rate = "history", baseline.k / baseline.n
    if current_n == 0:
        return Comparison(None, baseline_rate, None, False, 1.0, None, None, None, basis)
    if basis == "expected rate":
        p_value = _binomial_upper_tail(current_k / design_effect, current_n / design_effect, expected_rate)
    else:
        share = current_n / (current_n + baseline.n)
        both = (current_k + baseline.k) / design_effect
        p_value = _binomial_upper_tail(current_k / design_effect, both, share)
    rate = current_k / current_n
    exceeds = rate > factor * baseline_rate
    severity: Severity | None = None
    if exceeds:
        severity = "high" if p_value < alpha else "low evidence"
    low, high = wilson(current_k, current_n)
    return Comparison(rate, baseline_rate, rate / baseline_rate, exceeds, p_value, severity, low, high, basis)


def _binomial_upper_tail(k: float, n: float, p: float) -> float:
    """Return P(X >= k) for X ~ Bin(n, p), as the regularised incomplete beta function I_p(k, n - k + 1).

    It is also defined for counts that are not whole.
    """
    if k == 0:
        return 1.0
    # Imported on first use: see intervals.
    from scipy.special import betainc

    return float(betainc(k, n - k + 1, p))


def _check(what: str, k: int, n: int) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{what}: {k} failures in {n} trials, but 0 <= failures <= trials must hold")
