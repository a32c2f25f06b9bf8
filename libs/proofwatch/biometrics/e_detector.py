"""The e-detector: has a rate risen above its limit, at any time, with a stated mean run to a false alarm?

For each alternative rate q above the limit p0 a Shiryaev-Roberts statistic starts at zero and moves with every trial:

    R_q <- (R_q + 1) * (q / p0 for an error, (1 - q) / (1 - p0) for none),      M = mean over q of R_q

While the rate is at most p0, whatever it is, and trials are independent, M minus the number of trials is a
supermartingale. So an alarm at M >= A comes after A trials or more, in the mean (Shin, Ramdas & Rinaldo 2024,
"E-detectors: a nonparametric framework for sequential change detection", New England Journal of Statistics in Data
Science 2). Nobody has to say in advance when the change is.

*Order of a batch.* Of k errors among n trials counts do not tell the order. Here **errors come first**: of all orders
that is the one with the smallest R, so a batch never alarms where the true order would not, and the promise, counted in
trials, holds. A batch is thus a function of its counts alone, and feeding one batch is not feeding its parts.

*Clusters.* Several presentations of one artefact are not independent. `cluster_step` takes them as one trial whose
likelihood ratio is the mean of theirs: valid under any dependence inside the cluster, since a mean of e-values is one.

*Species.* The mean over the detectors of all species (`averaged`) keeps the promise, with the mean number of trials a
species; the maximum would not. A species joins at zero when it is first seen, and stays.
"""

from collections.abc import Iterable, Sequence
from math import exp, expm1, inf, log, log1p

ALTERNATIVES = (0.01, 0.02, 0.04, 0.08)
"""For the APCER limit of 0.5 %: twice to sixteen times as much."""

State = tuple[float, ...]
"""R of each alternative, in their order."""

_MOST = 1e300  # far beyond any threshold; keeps the state finite, so that it can come down again


def start(alternatives: Sequence[float] = ALTERNATIVES) -> State:
    """Return the state before the first trial."""
    return (0.0,) * len(alternatives)


def step(state: State, k: int, n: int, *, limit: float, alternatives: Sequence[float] = ALTERNATIVES) -> State:
    """Return the state after a batch of k errors in n independent trials, errors first; n = 1 is one trial.

    Cost does not grow with n. Raises ValueError when counts are not 0 <= k <= n, an alternative is not above the
    limit and below 1, or the state does not fit the alternatives.
    """
    _check(state, k, n, limit, alternatives)
    return tuple(_batch(r, k, n - k, limit, q) for r, q in zip(state, alternatives, strict=True))


def cluster_step(state: State, k: int, n: int, *, limit: float, alternatives: Sequence[float] = ALTERNATIVES) -> State:
    """Return the state after one cluster of n >= 1 dependent trials with k errors, counted as a single trial.

    Raises ValueError as `step`, and for an empty cluster.
    """
    _check(state, k, n, limit, alternatives)
    if n == 0:
        raise ValueError("a cluster holds at least one trial")
    ratios = ((k * (q / limit) + (n - k) * ((1 - q) / (1 - limit))) / n for q in alternatives)
    return tuple(min(_MOST, (r + 1) * ratio) for r, ratio in zip(state, ratios, strict=True))


def evidence(state: State) -> float:
    """Return M, the mean over the alternatives: an alarm when it reaches the wanted mean run length A."""
    return sum(state) / len(state)


def averaged(states: Iterable[State]) -> float:
    """Return the mean of M over several detectors, such as one for each species; 0 for none."""
    found = [evidence(state) for state in states]
    return sum(found) / len(found) if found else 0.0


def _batch(r: float, errors: int, others: int, limit: float, q: float) -> float:
    """Return R after `errors` errors and then `others` trials without one, by the sum of the geometric series."""
    up, down = log(q / limit), log1p(-q) - log1p(-limit)
    # After m trials of one ratio f: R f^m + (f + f^2 + ... + f^m).
    if errors:
        if errors * up > log(_MOST):
            r = _MOST
        else:
            grown = exp(errors * up)
            r = r * grown + exp(up) * expm1(errors * up) / expm1(up)
    if others:
        r = r * exp(others * down) + exp(down) * expm1(others * down) / expm1(down)
    return min(_MOST, r)


def _check(state: State, k: int, n: int, limit: float, alternatives: Sequence[float]) -> None:
    if not 0 <= k <= n:
        raise ValueError(f"{k} errors in {n} trials, but 0 <= errors <= trials must hold")
    if not 0.0 < limit < 1.0 or not alternatives or not all(limit < q < 1.0 for q in alternatives):
        raise ValueError(f"alternatives {tuple(alternatives)} must all lie between the limit {limit!r} and 1")
    if len(state) != len(alternatives) or not all(0.0 <= r < inf for r in state):
        raise ValueError(f"state {state} does not fit {len(alternatives)} alternatives: as many finite numbers >= 0")
