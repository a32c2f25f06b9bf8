"""Is a new version another than the old one? One reading for each rate, score and duration.

Each needs an effect and evidence. Evidence of counts is the conditional test of two Poisson means (Przyborowski &
Wilenski 1940), with what is expected added up hour by hour, so that a version that began at night is compared with
nights; of scores Kolmogorov and Smirnov's distance on the bins. Counts are divided by a dispersion: retries cluster,
days differ. An effect of scores is their Wasserstein distance on the scale of ranks of the old ones, in standard
deviations of ranks: on the scale of the scores a handful of attacks makes the deviation.
"""

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from math import sqrt
from typing import Final

from proofwatch.biometrics.edges import TIME_GRID, edge_set
from proofwatch.governance.policy import VersionRule
from services.aggregator.core.versions.part import RATES, SCORES, TIMINGS, Bins
from services.aggregator.core.versions.rates import rate_reading
from services.aggregator.core.versions.reading import Direction, Dispersion, People, Reading, anybody, tail
from services.aggregator.core.versions.sums import DESIGN, Sums

METRICS: Final = (*RATES, *(f"{name}_score" for name in SCORES), *TIMINGS)
TESTS: Final = 2 * len(RATES) + len(SCORES) + 2 * len(TIMINGS)
"""Of one look: rates in both directions, durations at their median and at nine tenths."""
_RANKS_SD: Final = 12**-0.5
_QUANTILES: Final = (0.5, 0.9)
_HALF: Final = 0.5
_APART: Final = 3.0
"""Standard deviations beyond which refusals are counted as those of scores that lie otherwise."""


def readings(
    new: Sums, old: Sums, rule: VersionRule, alpha: float, dispersion: Dispersion, people: People = anybody
) -> Iterator[Reading]:
    """Yield what can be said of each metric; `alpha`: of one test."""
    for metric in RATES:
        if found := rate_reading(metric, new, old, rule, alpha, dispersion, people):
            yield found
    for name in SCORES:
        if found := _scores(name, new.bins.get(name, {}), old.bins.get(name, {}), rule, alpha, dispersion):
            yield found._replace(misjudged=_misjudged(name, found.direction, new, old, rule, alpha, dispersion))
    for name in TIMINGS:
        if found := _durations(name, new.bins.get(name, {}), old.bins.get(name, {}), rule, alpha, dispersion):
            yield found


def _scores(name: str, new: Bins, old: Bins, rule: VersionRule, alpha: float, dispersion: Dispersion) -> Reading | None:
    n, m = sum(new.values()), sum(old.values())
    if not n or not m:
        return None
    from scipy.special import kolmogorov

    places = sorted(new.keys() | old.keys())
    below_new = list(accumulate((new.get(at, 0) / n for at in places), initial=0.0))
    below_old = list(accumulate((old.get(at, 0) / m for at in places), initial=0.0))
    ranks = [(low + high) / 2 for low, high in pairwise(below_old)]
    gaps = [abs(one - other) for one, other in zip(below_new[1:-1], below_old[1:-1], strict=True)]
    distance = sum(gap * (high - low) for gap, low, high in zip(gaps, ranks, ranks[1:], strict=False)) / _RANKS_SD
    mean = sum(new.get(at, 0) * rank for at, rank in zip(places, ranks, strict=True)) / n
    phi = dispersion(name, n * _HALF)
    p_value = float(kolmogorov(max(gaps, default=0.0) * sqrt(n * m / (n + m) / phi)))
    middle = next(at for at, below in zip(places, below_old[1:], strict=True) if below >= _HALF)
    k, old_k = _below(new, middle), _below(old, middle)
    beyond = distance >= rule.score_shift and p_value < alpha
    affected = max(gaps, default=0.0) * n
    return Reading(
        f"{name}_score", "up" if mean >= _HALF else "down", k, n, old_k, m, old_k / m, distance, rule.score_shift,
        p_value, beyond, distance < rule.score_shift / 2, affected,
    )  # fmt: skip


def _misjudged(
    name: str, direction: Direction, new: Sums, old: Sums, rule: VersionRule, alpha: float, dispersion: Dispersion
) -> float:
    """Return about how many attempts the check of a score refused more (scores lower), or fewer, than expected.

    0.0: not as many as retries and chance would not make too.
    """
    rated = rate_reading(f"{name}_fail_rate", new, old, rule, alpha, dispersion, anybody)
    if rated is None or rated.direction == direction:
        return 0.0
    expected = rated.baseline_rate * rated.n
    return rated.affected if rated.affected >= _APART * sqrt(DESIGN * max(expected, 1.0)) else 0.0


def _durations(
    name: str, new: Bins, old: Bins, rule: VersionRule, alpha: float, dispersion: Dispersion
) -> Reading | None:
    n, m = sum(new.values()), sum(old.values())
    if not n or not m:
        return None
    found = []
    for share in _QUANTILES:
        before, after = quantile(old, share), quantile(new, share)
        place = edge_set(grid=TIME_GRID).bin_of(before)
        k, old_k = n - _below(new, place + 1), m - _below(old, place + 1)
        expected = n * (old_k + _HALF) / (m + 1)
        phi = dispersion(name, expected)
        known = old_k + _HALF
        p_value = tail(k / phi, known / phi, expected / (expected + known), up=k >= expected)
        effect = after / before if before else 1.0
        within = effect < 1 + (rule.timing_ratio - 1) / 2
        beyond = effect >= rule.timing_ratio and k >= expected and p_value < alpha
        found.append(Reading(
            name, "up", k, n, old_k, m, expected / n, effect, rule.timing_ratio, p_value, beyond, within,
            max(0.0, k - expected),
        ))  # fmt: skip
    worst = max(found, key=lambda each: (each.beyond, each.effect))
    return worst._replace(within=all(each.within for each in found))


def quantile(bins: Mapping[int, int], share: float) -> float:
    """Return a quantile of durations in milliseconds, as if they were spread evenly within a bin."""
    edges, total = edge_set(grid=TIME_GRID).edges, sum(bins.values())
    seen = 0
    for place in sorted(bins):
        if seen + bins[place] >= share * total:
            low = edges[max(place, 0)]
            high = edges[place + 1] if place + 1 < len(edges) else low
            return low + (high - low) * (share * total - seen) / bins[place]
        seen += bins[place]
    return 0.0


def share_above(bins: Mapping[int, int], milliseconds: float) -> tuple[int, int]:
    """Return how many durations are longer, as far as the bins tell, of how many."""
    n = sum(bins.values())
    return n - _below(bins, edge_set(grid=TIME_GRID).bin_of(milliseconds) + 1), n


def _below(bins: Mapping[int, int], place: int) -> int:
    return sum(n for at, n in bins.items() if at < place)
