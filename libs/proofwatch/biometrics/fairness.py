"""How unequally a system treats groups: the published summary measures of error rates by group.

A measure is a description, never a verdict: with few trials the worst group is worst by chance. `homogeneity` tests
whether groups differ at all. Which measure first: the worst group against the geometric mean (NIST IR 8429), then
max/min, difference, Gini. FDR (close to 0.99 at usual error rates whatever happens) and GARBE need the FMR of each
group. ISO/IEC 19795-10 asks for the rates of each group beside any summary.

Groups below the small-cell limit are left out by the caller: a rate of two people identifies them.
"""

from collections.abc import Mapping, Sequence
from math import exp, log

import msgspec

Counts = tuple[int, int]
"""(errors, trials); trials at least 1."""


class Differential(msgspec.Struct, frozen=True):
    """How one error rate differs between groups. Null where undefined: a ratio to a rate of zero, one group alone.

    `worst_group` has the highest rate (of equals, the first name). `max_over_geomean` compares it with the geometric
    mean of all groups, `max_over_geomean_half` does so with (k + 1/2) / (n + 1), which is always defined. `gini` is
    the Gini coefficient with the correction n / (n - 1): 0 when all are equal, 1 when one group has all errors.
    """

    worst_group: str
    max_over_min: float | None
    max_minus_min: float
    max_over_geomean: float | None
    max_over_geomean_half: float
    gini: float | None


def differential(groups: Mapping[str, Counts]) -> Differential:
    """Return the measures of one error rate by group. Raises ValueError for no group or impossible counts."""
    _check(groups)
    rates = {name: k / n for name, (k, n) in groups.items()}
    half = [(k + 0.5) / (n + 1) for k, n in groups.values()]
    highest, lowest = max(rates.values()), min(rates.values())
    return Differential(
        worst_group=min(name for name, rate in rates.items() if rate == highest),
        max_over_min=highest / lowest if lowest > 0 else None,
        max_minus_min=highest - lowest,
        max_over_geomean=highest / _geometric_mean(list(rates.values())) if lowest > 0 else None,
        max_over_geomean_half=max(half) / _geometric_mean(half),
        gini=gini(list(rates.values())),
    )


def gini(rates: Sequence[float]) -> float | None:
    """Return the Gini coefficient of rates >= 0, corrected for their number; None for one rate or all zero."""
    n, total = len(rates), sum(rates)
    if n < 2 or total <= 0:
        return None
    pairs = sum(abs(one - other) for one in rates for other in rates)
    return pairs / (2 * total * (n - 1))


def fairness_discrepancy_rate(fmr: Mapping[str, Counts], fnmr: Mapping[str, Counts], alpha: float = 0.5) -> float:
    """Return the FDR: 1 - (alpha * largest FMR difference + (1 - alpha) * largest FNMR difference), within 0..1.

    1 is equal treatment (de Freitas Pereira & Marcel 2022, IEEE TBIOM 4:19-29). Raises ValueError as `differential`,
    when the groups differ or alpha is outside 0..1.
    """
    _check_pair(fmr, fnmr, alpha)
    return 1 - alpha * differential(fmr).max_minus_min - (1 - alpha) * differential(fnmr).max_minus_min


def garbe(fmr: Mapping[str, Counts], fnmr: Mapping[str, Counts], alpha: float = 0.5) -> float | None:
    """Return the Gini Aggregation Rate for Biometric Equitability, 0 being equal treatment (Howard et al. 2022).

    alpha * Gini of FMR + (1 - alpha) * Gini of FNMR; null when one of them is. Raises as `fairness_discrepancy_rate`.
    """
    _check_pair(fmr, fnmr, alpha)
    both = differential(fmr).gini, differential(fnmr).gini
    return None if both[0] is None or both[1] is None else alpha * both[0] + (1 - alpha) * both[1]


def inequity_rate(fmr: Mapping[str, Counts], fnmr: Mapping[str, Counts], alpha: float = 0.5) -> float | None:
    """Return the inequity rate (NIST): (max/min FMR)^alpha * (max/min FNMR)^(1 - alpha); null when one is undefined.

    Raises ValueError as `fairness_discrepancy_rate`.
    """
    _check_pair(fmr, fnmr, alpha)
    both = differential(fmr).max_over_min, differential(fnmr).max_over_min
    return None if both[0] is None or both[1] is None else float(both[0] ** alpha * both[1] ** (1 - alpha))


def _geometric_mean(rates: Sequence[float]) -> float:
    return exp(sum(log(rate) for rate in rates) / len(rates))


def _check(groups: Mapping[str, Counts]) -> None:
    if not groups:
        raise ValueError("no group to compare")
    for name, (k, n) in groups.items():
        if n < 1 or not 0 <= k <= n:
            raise ValueError(f"{name}: {k} errors in {n} trials: needs at least one trial and 0 <= errors <= trials")


def _check_pair(fmr: Mapping[str, Counts], fnmr: Mapping[str, Counts], alpha: float) -> None:
    if set(fmr) != set(fnmr):
        raise ValueError(f"FMR and FNMR must have the same groups; only one has {sorted(set(fmr) ^ set(fnmr))}")
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha {alpha!r} is a weight within 0..1")
