"""Error rates of all transactions from labels that were not drawn evenly.

The flagged are labelled more than the passed, so the plain rate of the labels is not that of the traffic. Every stratum
(decision x distance to the threshold) has a known number of transactions N and a known sampling probability pi; of its
n labels k are errors. Three estimates, from plain to best:

* `naive`: sum k / sum n. Shown so that the correction is seen, never used.
* `hajek`: sum (k / pi) / sum (n / pi), with Kish's n_eff = (sum w)^2 / sum w^2 of the weights w = 1 / pi, and its
  linearised standard error. That error collapses where a sampled stratum had no error yet: never an interval.
* `poststratified`: sum N_h / N * k_h / n_h (Begg & Greenes 1983), with the one-sided limits of Fay & Feuer (1997,
  Statistics in Medicine 16:791-801) for sums of weighted counts. A stratum that was labelled completely is known, not
  estimated, and adds no uncertainty. Clopper-Pearson on weighted counts is wrong and is not here.

A stratum with pi = 0 or without a label is *not estimable*: then everything but `whole_population` speaks of the other
strata only, and `whole_population` bounds the rate of all by what the unseen could be (Manski 1989): none or all wrong.
"""

from collections.abc import Sequence
from math import sqrt

import msgspec


class Stratum(msgspec.Struct, frozen=True):
    """`population` transactions, of which each was labelled with probability `pi`; k of the n labels are errors."""

    name: str
    population: int
    pi: float
    n: int
    k: int

    @property
    def census(self) -> bool:
        """Whether every transaction has its label."""
        return self.n == self.population


class Weighted(msgspec.Struct, frozen=True):
    """The estimates, rates in 0..1; see the module. Null where nothing is estimable.

    `poststratified_lower`, `_upper` are one-sided limits at the confidence asked for, each. `estimable` is whether
    every stratum with transactions has labels; `not_estimable` names the others, `share_estimable` is the share of
    transactions in strata that have. `whole_population` is (lowest, highest) rate of all transactions, and
    `whole_population_limits` the same from the one-sided limits; equal to the estimates when all is estimable.
    """

    naive: float | None
    hajek: float | None
    hajek_se_linearised: float | None
    n_eff_kish: float
    poststratified: float | None
    poststratified_lower: float | None
    poststratified_upper: float | None
    estimable: bool
    not_estimable: tuple[str, ...]
    share_estimable: float
    whole_population: tuple[float, float]
    whole_population_limits: tuple[float, float]


def weighted_rate(strata: Sequence[Stratum], confidence: float = 0.95) -> Weighted:
    """Return the corrected rate of all transactions of these strata.

    Raises ValueError for no transaction at all, counts that are not 0 <= k <= n <= population, a pi outside 0..1, or
    labels where pi is 0.
    """
    for s in strata:
        _check(s)
    everything = sum(s.population for s in strata)
    if not everything:
        raise ValueError("no transaction in any stratum")
    seen = [s for s in strata if s.n]
    unseen = [s for s in strata if s.population and not s.n]
    hidden = sum(s.population for s in unseen)
    known = everything - hidden
    if not seen:
        missing = tuple(s.name for s in unseen)
        return Weighted(None, None, None, 0.0, None, None, None, False, missing, 0.0, (0.0, 1.0), (0.0, 1.0))
    rate = sum(s.population * s.k / s.n for s in seen) / known
    low, high = _fay_feuer(seen, known, confidence)
    weights, share = [(1 / s.pi, s) for s in seen], known / everything
    total = sum(w * s.n for w, s in weights)
    hajek = sum(w * s.k for w, s in weights) / total
    return Weighted(
        naive=sum(s.k for s in seen) / sum(s.n for s in seen),
        hajek=hajek,
        hajek_se_linearised=_linearised(weights, hajek, total),
        n_eff_kish=total**2 / sum(w * w * s.n for w, s in weights),
        poststratified=rate,
        poststratified_lower=low,
        poststratified_upper=high,
        estimable=not unseen,
        not_estimable=tuple(s.name for s in unseen),
        share_estimable=share,
        whole_population=(rate * share, rate * share + (1 - share)),
        whole_population_limits=(low * share, high * share + (1 - share)),
    )


def _linearised(weights: Sequence[tuple[float, Stratum]], rate: float, total: float) -> float | None:
    """Return the linearised standard error of a weighted mean of independent labels (Taylor; Woodruff 1971)."""
    n = sum(s.n for _, s in weights)
    if n < 2:
        return None
    squares = sum(w * w * (s.k * (1 - rate) ** 2 + (s.n - s.k) * rate**2) for w, s in weights)
    return sqrt(n / (n - 1) * squares) / total


def _fay_feuer(strata: Sequence[Stratum], population: int, confidence: float) -> tuple[float, float]:
    """Return one-sided limits of sum N_h / N * k_h / n_h: gamma limits of sampled strata, complete ones exact."""
    from scipy.special import chdtri  # on first use: see intervals

    certain = sum(s.k for s in strata if s.census) / population
    sampled = [(s.population / population / s.n, s) for s in strata if not s.census]
    if not sampled:
        return certain, certain
    mean = sum(w * s.k for w, s in sampled)
    variance = sum(w * w * s.k for w, s in sampled)
    low = 0.0 if mean == 0 else variance / (2 * mean) * float(chdtri(2 * mean**2 / variance, confidence))
    # One more error of the heaviest stratum, as the next one could be.
    heaviest = max(w for w, _ in sampled)
    mean, variance = mean + heaviest, variance + heaviest**2
    high = variance / (2 * mean) * float(chdtri(2 * mean**2 / variance, 1 - confidence))
    # The sampled strata cannot be more than all wrong.
    most = certain + sum(s.population for _, s in sampled) / population
    return min(certain + low, most), min(certain + high, most)


def _check(s: Stratum) -> None:
    if not 0 <= s.k <= s.n <= s.population:
        raise ValueError(
            f"{s.name}: {s.k} errors in {s.n} labels of {s.population} transactions, "
            "but 0 <= errors <= labels <= transactions must hold"
        )
    if not 0.0 <= s.pi <= 1.0:
        raise ValueError(f"{s.name}: sampling probability {s.pi!r} is not within 0..1")
    if s.pi == 0.0 and s.n:
        raise ValueError(f"{s.name}: {s.n} labels, but their sampling probability is 0")
