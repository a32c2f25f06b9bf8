"""Simulated traffic of a tenant, day by day, as the counts that closed windows would have.

Every transaction is drawn: when it came, the attributes of its subject, and which of its checks failed. Who fails tries
again after 30 to 180 seconds, up to four times in all, and fails again with the probability `again`, so that failures
cluster by subject as they do in life. The rate of failures differs by hour (`hours_differ`), and at night. From the
transactions all windows are counted, so that slices add up to the whole and no failure lacks its trial.

One seed, one sequence of days: nothing but numpy's generator decides.
"""

from collections.abc import Iterator, Sequence
from math import pi, sin
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.scenarios.effects import ATTRIBUTES, DAY_S, SLICES, VALUES, WHOLE, Check, Effect, Slice
from tests.scenarios.scores import MINUTES, Counts, Floats, Outcomes, during, score_bins

MONDAY_MS: Final = 1_767_571_200_000  # 2026-01-05
METRICS: Final = ("rejection_rate", "retry_rate", "refer_rate", "match_fail_rate", "liveness_fail_rate", "fta_rate")
FIVES: Final = 288
ATTEMPTS: Final = 4
REFERRED_FROM: Final = 3
_CHECKS: Final[tuple[Check, ...]] = ("match", "liveness", "missing")
_HOURS: Final = 24


class Tenant(NamedTuple):
    """What is usual for a tenant.

    `per_hour`: arrivals, in the mean of a working day. `rates`: of match, liveness and missing liveness scores, as
    shares of all transactions, further attempts included. `again`: how often a further attempt fails as well. `daily`:
    whether volume follows a day, with a peak in its afternoon. `weekend`: weekdays (Monday 0) of `weekend_volume`, in a
    calendar that is `ahead_h` hours ahead of UTC; `zone`: its name, if the services are told of it. `hours_differ`:
    standard deviation of the rate's logarithm by hour; nights are `night` times as bad.
    `unused`: a slice that nobody is in, such as a version to come, whose share belongs to the slice after it.
    """

    per_hour: float = 1_000.0
    rates: tuple[float, float, float] = (0.01, 0.01, 0.005)
    again: float = 0.28
    daily: bool = True
    weekend: tuple[int, ...] = (5, 6)
    weekend_volume: float = 0.4
    ahead_h: float = 0.0
    zone: str | None = None
    hours_differ: float = 0.1
    night: float = 1.3
    unused: tuple[Slice, Slice] | None = None


class Day(NamedTuple):
    """A day of UTC. `n[metric][slice, window]` trials and `k` failures of five-minute windows; minutes of the whole.

    Slices are in the order of `SLICES`. Of minutes: transactions, rejected, and per check judged and failed; liveness
    also missing, at zero and at one. `alike`: share of the pairs of liveness scores of a minute that share a bin.
    `scores[check][minute, bin]`: how the scores are distributed, in bins of `shape.BOUNDS`.
    """

    start_ms: int
    n: dict[str, Counts]
    k: dict[str, Counts]
    minutes: dict[str, Counts]
    alike: Floats
    scores: dict[str, Counts]

    def of(self, attributes: int) -> "Day":
        """Return the day with the values of the first so many attributes only."""
        rows = 1 + attributes * len(VALUES)
        n, k = ({metric: each[:rows] for metric, each in counts.items()} for counts in (self.n, self.k))
        return self._replace(n=n, k=k)


class _Attempts(NamedTuple):
    """Attempts of one number: seconds of the day, attributes (one row each), and which check failed before."""

    at: Floats
    attributes: NDArray[np.uint8]
    before: dict[Check, NDArray[np.bool_]]
    number: NDArray[np.uint8]


class _Tried(NamedTuple):
    at: Floats
    attributes: NDArray[np.uint8]
    failed: dict[Check, NDArray[np.bool_]]
    number: NDArray[np.uint8]


def days(
    random: np.random.Generator, tenant: Tenant, number: int, effects: Sequence[Effect] = (), first: int = 0
) -> Iterator[Day]:
    """Yield so many days, from day `first` of the run on (Monday, 2026-01-05, is day 0)."""
    left: list[_Attempts] = []
    for day in range(first, first + number):
        active = [each for each in effects if each.touches(day * DAY_S, (day + 1) * DAY_S)]
        tried, left = _day_of(random, tenant, day, active, left)
        yield _counted(random, day, tried, active)


def first_attempt_rate(rate: float, again: float) -> float:
    """Return how often a first attempt fails where `rate` of all transactions do, and further ones fail by `again`."""
    tail = sum(again**i for i in range(ATTEMPTS))
    return rate / (tail - rate * (tail - again ** (ATTEMPTS - 1)))


def _day_of(
    random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect], left: Sequence[_Attempts]
) -> tuple[list[_Tried], list[_Attempts]]:
    worse = np.exp(random.normal(0.0, tenant.hours_differ, _HOURS)) if tenant.hours_differ else np.ones(_HOURS)
    worse *= np.where(_local_hours(tenant) < 6, tenant.night, 1.0) if tenant.daily else 1.0
    attempts = [_arrivals(random, tenant, day, effects), *left]
    tried: list[_Tried] = []
    later: list[_Attempts] = []
    while attempts:
        each = attempts.pop()
        done = _try(random, tenant, day, effects, each, worse)
        tried.append(done)
        again = _again(random, done)
        for part, where in ((again.at < DAY_S, attempts), (again.at >= DAY_S, later)):
            if part.any():
                shift = 0 if where is attempts else DAY_S
                where.append(_part(again, part, shift))
    return tried, later


def _local_hours(tenant: Tenant) -> Floats:
    return (np.arange(_HOURS) + tenant.ahead_h) % _HOURS


def _per_minute(tenant: Tenant, day: int) -> Floats:
    local = np.arange(MINUTES) / 60 + tenant.ahead_h
    dates = day + local // _HOURS
    usual = np.where(np.isin(dates % 7, tenant.weekend), tenant.weekend_volume, 1.0)
    if tenant.daily:
        usual = usual * np.array([1.0 + 0.9 * sin(2 * pi * (hour - 8) / _HOURS) for hour in local])
    return usual * tenant.per_hour / 60


def _arrivals(random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect]) -> _Attempts:
    expected = _per_minute(tenant, day)
    if tenant.daily:
        expected = expected * np.repeat(np.exp(random.normal(0.0, 0.1, _HOURS)), 60)
    minutes = np.repeat(np.arange(MINUTES), random.poisson(expected))
    at: Floats = minutes * 60.0 + random.random(len(minutes)) * 60.0
    attributes = random.integers(0, len(VALUES), (len(ATTRIBUTES), len(at)), dtype=np.uint8)
    if tenant.unused:
        _become(tenant.unused[1], _of_slice(tenant.unused[0], attributes), attributes)
    for effect in effects:
        at, attributes = _of_volume(random, day, effect, at, attributes)
        if effect.becomes:
            _become(effect.becomes, _within(effect, day, at, attributes), attributes)
    none = np.zeros(len(at), dtype=np.bool_)
    return _Attempts(at, attributes, dict.fromkeys(_CHECKS, none), np.ones(len(at), dtype=np.uint8))


def _of_volume(
    random: np.random.Generator, day: int, effect: Effect, at: Floats, attributes: NDArray[np.uint8]
) -> tuple[Floats, NDArray[np.uint8]]:
    if effect.volume == 1.0:
        return at, attributes
    within = _within(effect, day, at, attributes)
    if effect.volume < 1.0:
        kept = ~within | (random.random(len(at)) < effect.volume)
        return at[kept], attributes[:, kept]
    more = random.poisson(effect.volume - 1.0, int(within.sum()))
    at = np.concatenate([at, np.repeat(at[within], more)])
    return at, np.concatenate([attributes, np.repeat(attributes[:, within], more, axis=1)], axis=1)


def _become(value: Slice, which: NDArray[np.bool_], attributes: NDArray[np.uint8]) -> None:
    attributes[ATTRIBUTES.index(str(value[0])), which] = VALUES.index(str(value[1]))


def _within(effect: Effect, day: int, at: Floats, attributes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found = (at >= effect.from_s - day * DAY_S) & (at < effect.until_s - day * DAY_S)
    return found if effect.where == WHOLE else found & _of_slice(effect.where, attributes)


def _of_slice(where: Slice, attributes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = attributes[ATTRIBUTES.index(str(where[0]))] == VALUES.index(str(where[1]))
    return found


def _try(
    random: np.random.Generator, tenant: Tenant, day: int, effects: Sequence[Effect], each: _Attempts, worse: Floats
) -> _Tried:
    hours = np.minimum(each.at // 3_600, _HOURS - 1).astype(np.int64)
    failed = {}
    for check, rate in zip(_CHECKS, tenant.rates, strict=True):
        first = first_attempt_rate(rate, tenant.again)
        chance = first * worse[hours]
        again = np.full(len(each.at), tenant.again)
        for effect in effects:
            if effect.check != check or (
                effect.factor == effect.per_day == 1.0 and effect.fixed is effect.again is None
            ):
                continue
            within = _within(effect, day, each.at, each.attributes)
            passed = (each.at + day * DAY_S - effect.from_s) / DAY_S
            grown = effect.factor * effect.per_day ** np.maximum(passed, 0.0)
            chance = np.where(within, chance * grown if effect.fixed is None else effect.fixed, chance)
            if effect.again is not None or effect.fixed is not None:
                again = np.where(within, effect.fixed if effect.again is None else effect.again, again)  # type: ignore[arg-type]
        chance = np.where(each.before[check], again, chance)
        failed[check] = random.random(len(chance)) < chance
    failed["liveness"] &= ~failed["missing"]
    return _Tried(each.at, each.attributes, failed, each.number)


def _again(random: np.random.Generator, done: _Tried) -> _Attempts:
    some = (done.failed["match"] | done.failed["liveness"] | done.failed["missing"]) & (done.number < ATTEMPTS)
    at = done.at[some] + random.uniform(30.0, 180.0, int(some.sum()))
    return _Attempts(at, done.attributes[:, some], {c: f[some] for c, f in done.failed.items()}, done.number[some] + 1)


def _part(each: _Attempts, part: NDArray[np.bool_], shift: float) -> _Attempts:
    before = {check: failed[part] for check, failed in each.before.items()}
    return _Attempts(each.at[part] - shift, each.attributes[:, part], before, each.number[part])


def _counted(random: np.random.Generator, day: int, tried: Sequence[_Tried], effects: Sequence[Effect]) -> Day:
    at = np.concatenate([each.at for each in tried])
    attributes = np.concatenate([each.attributes for each in tried], axis=1)
    match, liveness, missing = (np.concatenate([each.failed[check] for each in tried]) for check in _CHECKS)
    number = np.concatenate([each.number for each in tried])
    rejected, referred = match | liveness | missing, number >= REFERRED_FROM
    every = np.ones(len(at), dtype=np.bool_)
    all_of = _by_window(at, attributes, every)
    missed = _by_window(at, attributes, missing)
    refer = _by_window(at, attributes, rejected & referred)
    rejections = _by_window(at, attributes, rejected)
    k = {
        "rejection_rate": rejections,
        "retry_rate": rejections - refer,
        "refer_rate": refer,
        "match_fail_rate": _by_window(at, attributes, match),
        "liveness_fail_rate": _by_window(at, attributes, liveness),
        "fta_rate": missed,
    }
    judged = {"liveness_fail_rate": all_of - missed, "fta_rate": 2 * all_of}
    n = {metric: judged.get(metric, all_of) for metric in METRICS}
    outcomes = Outcomes((at // 60).astype(np.int64), rejected, match, liveness, missing)
    scores = score_bins(random, day, outcomes, effects)
    return Day(MONDAY_MS + day * DAY_S * 1_000, n, k, *_minutes(random, day, outcomes, scores, effects), scores)


def _by_window(at: Floats, attributes: NDArray[np.uint8], which: NDArray[np.bool_]) -> Counts:
    """Return [slice, window] counts of five-minute windows."""
    windows = (at[which] // 300).astype(np.int64)
    rows = [np.bincount(windows, minlength=FIVES).reshape(1, FIVES)]
    for row in attributes[:, which]:
        cells = np.bincount(windows + FIVES * row.astype(np.int64), minlength=FIVES * len(VALUES))
        rows.append(cells.reshape(len(VALUES), FIVES))
    found: Counts = np.concatenate(rows)
    assert len(found) == len(SLICES)
    return found


def _minutes(
    random: np.random.Generator,
    day: int,
    outcomes: Outcomes,
    scores: dict[str, Counts],
    effects: Sequence[Effect],
) -> tuple[dict[str, Counts], Floats]:
    n = np.bincount(outcomes.minute, minlength=MINUTES)
    alike = np.maximum(0.0, random.normal(0.05, 0.02, MINUTES))
    for effect in effects:
        if effect.scores != "usual":
            alike[during(effect, day)] = 1.0
    counts: dict[str, Counts] = {
        "transactions": n,
        "at_one": scores["liveness"][:, -1],
        "at_zero": scores["liveness"][:, 0],
    }
    for name, which in zip(("rejected", "match_failed", "failed", "missing"), outcomes[1:], strict=True):
        counts[name] = np.bincount(outcomes.minute[which], minlength=MINUTES)
    return counts, alike
