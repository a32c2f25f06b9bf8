"""How a version's rates stand against the old ones', and whether its people alone may make the difference."""

from typing import Final, NamedTuple

from proofwatch.governance.policy import VersionRule
from services.aggregator.core.versions.part import RATES
from services.aggregator.core.versions.reading import Dispersion, People, Reading, tail
from services.aggregator.core.versions.sums import Sums

_PRIOR: Final = 200.0
"""Trials at the rate of all hours that each hour is given."""
_HALF: Final = 0.5


def rate_reading(
    metric: str, new: Sums, old: Sums, rule: VersionRule, alpha: float, dispersion: Dispersion, people: People
) -> Reading | None:
    """Return what can be said of a rate; what is beyond its floor is asked once more with the version's people."""
    found = _rate(metric, new, old, rule, alpha, dispersion)
    if found is None or not found.reading.beyond:
        return found.reading if found else None
    return _with_people(found, people, rule, alpha, dispersion)


class _Rated(NamedTuple):
    """A reading of a rate, by events expected and as many as are known of what they are expected by."""

    reading: Reading
    expected: float
    known: float


def _with_people(rated: _Rated, people: People, rule: VersionRule, alpha: float, dispersion: Dispersion) -> Reading:
    """Return the reading with what the version's people alone may make of it."""
    reading = rated.reading
    up = reading.direction == "up"
    factor = people(reading.metric, up)
    if factor == 1.0:
        return reading
    expected = rated.expected * factor
    phi = dispersion(reading.metric, expected)
    p_value = tail(reading.k / phi, rated.known / phi, expected / (expected + rated.known), up=up)
    effect = _ratio(reading.k, expected, reading.n, up=up)
    beyond = up == (reading.k >= expected) and _is_beyond(effect, reading.k - expected, reading.n, p_value, rule, alpha)
    return reading._replace(people=factor if up else 1 / factor, explained=not beyond)


def _ratio(k: int, expected: float, n: int, *, up: bool) -> float:
    if up:
        return k / expected
    return expected / k if k else float(n)


def _is_beyond(effect: float, more: float, n: int, p_value: float, rule: VersionRule, alpha: float) -> bool:
    return effect >= rule.rate_ratio and abs(more) / n >= rule.rate_points and p_value < alpha


def _rate(metric: str, new: Sums, old: Sums, rule: VersionRule, alpha: float, dispersion: Dispersion) -> _Rated | None:
    place = 2 * RATES.index(metric)
    (k, n), (old_k, old_n) = new.rate(metric), old.rate(metric)
    if not n or not old_n:
        return None
    pooled, prior = (old_k + _HALF) / (old_n + 1), min(_PRIOR, old_n)
    expected = variance = 0.0
    for hour, counts in new.hours.items():
        trials = counts[place + 1]
        mine = old.hours.get(hour)
        hour_k, hour_n = (mine[place], mine[place + 1]) if mine else (0, 0)
        rate = (hour_k + prior * pooled) / (hour_n + prior)
        expected += trials * rate
        variance += trials * trials * rate * (1 - rate) / (hour_n + prior)
    known = expected * expected / variance if variance else float(old_k)
    phi = dispersion(metric, expected)
    up = k >= expected
    p_value = tail(k / phi, known / phi, expected / (expected + known), up=up)
    effect, points = _ratio(k, expected, n, up=up), abs(k - expected) / n
    beyond = _is_beyond(effect, k - expected, n, p_value, rule, alpha)
    within = effect < 1 + (rule.rate_ratio - 1) / 2 or points < rule.rate_points / 2
    reading = Reading(
        metric, "up" if up else "down", k, n, old_k, old_n, expected / n, effect, rule.rate_ratio, p_value, beyond,
        within, abs(k - expected),
    )  # fmt: skip
    return _Rated(reading, expected, known)
