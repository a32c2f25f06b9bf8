"""What is usual for one series: as the services tell it, and as it is written down, one series after another."""

from math import floor

import numpy as np

from proofwatch.biometrics.dispersion import pearson_dispersion
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.profile import Hours, Reference, Usual, by_references, packed, usual_of
from services.aggregator.core.cusum.together import Together

LEAST = 1e-6
STEPS = ((0, 50.0, 23 / 24), (1, 50.0, 1 / 2), ((), 200.0, 23 / 48))


def usual(hours: Hours, hour: int, expected: float, rule: CusumRule, calendar: Calendar) -> Usual:
    """Return what is usual in an hour by the hours before it."""
    together = Together([packed(hours)], calendar)
    return usual_of(together, hour, [expected], [rule], calendar.slot(hour), [False])[0]


def by_reference(reference: Reference, hour: int, expected: float, calendar: Calendar) -> Usual:
    """Return what was usual in an hour when a reference was frozen."""
    return by_references([reference], [expected], calendar.slot(hour), calendar)[0]


def dispersion(hours: Hours, rule: CusumRule, calendar: Calendar) -> float:
    """Return phi."""
    return Together([packed(hours)], calendar).dispersions([rule.dispersion_floor], [rule.dispersion_unknown])[0]


def written_rate(hours: Hours, hour: int, expected: float, calendar: Calendar) -> float:
    """Return the rate of an hour's slot, one failure at the expected rate added."""
    k, n = hours[:, 1].astype(float), hours[:, 2].astype(float)
    rates, _ = _profile(_slots(hours, calendar), k, n, (k.sum() + 1) / (n.sum() + 1 / expected))
    return float(rates[calendar.slot(hour)])


def written_dispersion(hours: Hours, rule: CusumRule, calendar: Calendar) -> float:
    """Return phi, group by group."""
    k, n = hours[:, 1].astype(float), hours[:, 2].astype(float)
    if not k.sum():
        return max(rule.dispersion_floor, rule.dispersion_unknown)
    slots = _slots(hours, calendar)
    rates, fitted = _profile(slots, k, n, k.sum() / n.sum())
    groups: dict[int, list[float]] = {}
    so_far = 0.0
    for each_k, each_n, slot in zip(k.tolist(), n.tolist(), slots.tolist(), strict=True):
        expected = each_n * float(rates[slot])
        so_far += expected
        into = groups.setdefault(floor((so_far - expected / 2) / 5.0), [0.0, 0.0, 0.0])
        for place, more in enumerate((each_k, each_n, expected)):
            into[place] += more
    pooled = [(int(each[0]), int(each[1])) for each in groups.values()]
    many = len(groups)
    measured = pearson_dispersion(pooled, [each[2] / each[1] for each in groups.values()]) or rule.dispersion_unknown
    measured *= max(1.0, (many - 1) / max(1.0, many - 1 - fitted))
    return max(rule.dispersion_floor, (many * measured + 24 * rule.dispersion_unknown) / (many + 24))


def _slots(hours: Hours, calendar: Calendar) -> np.ndarray:
    return np.array([calendar.slot(int(each)) for each in hours[:, 0]])


def _profile(slots: np.ndarray, k: np.ndarray, n: np.ndarray, rate: float) -> tuple[np.ndarray, float]:
    k_of, n_of = (np.bincount(slots, each, 48).reshape(2, 24) for each in (k, n))
    rates, fitted = np.full((2, 24), rate), 0.0
    for axis, shrink, free in STEPS:
        seen, awaited = (np.add.reduce(each, axis, keepdims=True) for each in (k_of, n_of * rates))
        weight = awaited + shrink
        rates = np.minimum(np.maximum(rates * (seen + shrink) / weight, LEAST), 1 - LEAST)
        fitted += free * float(np.add.reduce(awaited / weight, None))
    return rates.ravel(), fitted
