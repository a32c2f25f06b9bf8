"""Whom a new version may have begun with: how far its people alone can move a rate, as far as counts of slices tell.

A release that begins in one country, or with one handset, is not used by the people that the others are used by. Who
used what together is not counted: of each five minutes it is known how many trials the version had, and how many each
country had. So the version's trials may all have been those of the country that fails most often, as many as it had,
then of the next. That is the sharp bound of what marginal counts allow (Fréchet 1951), if the rates of countries stand
to each other as they did before. Of several attributes (country, handset) each bounds by itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from msgspec import Struct

from services.aggregator.core.versions.part import KEPT_VALUES, RATES, Faded, Part, Rates, most

_SHRINK: Final = 10.0
"""Failures at the rate of all that each value is given, so that a handful of people makes no slice."""

Slices = dict[str, dict[str, Faded]]
"""k and n of each of `RATES`, by attribute and value."""


class Mixed(Struct, array_like=True, frozen=True):
    """Trials of a version, and of all, times how often their people fail against all: the worst and the best mix.

    One number for each of `RATES`; `trials` and `all_trials` without that factor.
    """

    worst: tuple[float, ...] = (0.0,) * len(RATES)
    best: tuple[float, ...] = (0.0,) * len(RATES)
    everybody: tuple[float, ...] = (0.0,) * len(RATES)
    trials: tuple[int, ...] = (0,) * len(RATES)
    all_trials: tuple[int, ...] = (0,) * len(RATES)


class _Slice(NamedTuple):
    factor: float
    trials: int


def plus(
    mixed: Mapping[str, Mixed], whole: Part, part: Part, usual: Mapping[str, Mapping[str, Faded]]
) -> dict[str, Mixed]:
    """Return the sums with five minutes of the tenant, of which `part` is the version's; `usual`: slices before."""
    found = dict(mixed)
    for attribute, values in whole.slices.items():
        if attribute in usual:
            found[attribute] = _plus(found.get(attribute, Mixed()), whole, part, values, usual[attribute])
    return found


def factor(mixed: Mapping[str, Mixed], metric: str, *, up: bool, beside: bool) -> float:
    """Return how much more (`up`), or less, often the version's people may fail than those it is compared with.

    `beside`: than the rest of the tenant in the same minutes; else than all of it before. 1.0 where nothing is known.
    """
    place = RATES.index(metric)
    found = [_factor(each, place, up=up, beside=beside) for each in mixed.values()]
    return max([1.0, *found]) if up else min([1.0, *found])


def added_slices(slices: Mapping[str, Mapping[str, Faded]], more: Mapping[str, Mapping[str, Rates]]) -> Slices:
    """Return the sums, of the values with most trials of each attribute."""
    total: Slices = {name: dict(values) for name, values in slices.items()}
    for name, values in more.items():
        mine = total.setdefault(name, {})
        for value, rates in values.items():
            known = mine.get(value)
            mine[value] = rates if known is None else tuple(map(sum, zip(known, rates, strict=True)))
        if len(mine) > 2 * KEPT_VALUES:
            total[name] = most(mine)
    return total


def _plus(mixed: Mixed, whole: Part, part: Part, values: Mapping[str, Rates], usual: Mapping[str, Faded]) -> Mixed:
    worst, best, everybody = list(mixed.worst), list(mixed.best), list(mixed.everybody)
    trials, all_trials = list(mixed.trials), list(mixed.all_trials)
    for place in range(len(RATES)):
        mine, total = part.rates[2 * place + 1], whole.rates[2 * place + 1]
        if not mine:
            continue
        slices = list(_slices(place, total, values, usual))
        worst[place] += _filled(sorted(slices, reverse=True), mine)
        best[place] += _filled(sorted(slices), mine)
        everybody[place] += _filled(slices, total)
        trials[place] += mine
        all_trials[place] += total
    return Mixed(tuple(worst), tuple(best), tuple(everybody), tuple(trials), tuple(all_trials))


def _slices(place: int, total: int, values: Mapping[str, Rates], usual: Mapping[str, Faded]) -> Iterator[_Slice]:
    """Yield how often each slice fails against all of the attribute's people; who is in none fails as all do."""
    k = sum(each[2 * place] for each in usual.values())
    n = sum(each[2 * place + 1] for each in usual.values())
    rate = (k + 0.5) / (n + 1)
    seen = 0
    for value, rates in sorted(values.items()):
        trials = min(rates[2 * place + 1], total - seen)
        known = usual.get(value)
        known_k, known_n = (known[2 * place], known[2 * place + 1]) if known else (0, 0)
        yield _Slice((known_k + _SHRINK) / (known_n * rate + _SHRINK), trials)
        seen += trials
    yield _Slice(1.0, total - seen)


def _filled(slices: list[_Slice], trials: int) -> float:
    left, found = trials, 0.0
    for each in slices:
        taken = min(left, each.trials)
        found += taken * each.factor
        left -= taken
    return found + left


def _factor(mixed: Mixed, place: int, *, up: bool, beside: bool) -> float:
    trials = mixed.trials[place]
    if not trials:
        return 1.0
    mine = mixed.worst[place] if up else mixed.best[place]
    rest_trials = mixed.all_trials[place] - trials
    others = (mixed.everybody[place] - mine) / rest_trials if beside and rest_trials else 1.0
    return mine / trials / others if others > 0 else 1.0
