"""Sums over hours: of a new version, of what runs beside it, and of what ran before it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from proofwatch.biometrics.dispersion import pearson_dispersion, phi_at
from services.aggregator.core.versions.part import RATES, Bins, Part, added, most
from services.aggregator.core.versions.people import Slices, added_slices

_DAYS: Final = 28
DESIGN: Final = 1.78
"""Design effect of retries, which fail again in 28 % (Kish 1965; as for promised limits)."""
_RATES_DIFFER: Final = 2 * 0.15**2
"""Variance by which a rate is assumed to differ from one day to another, over its square: by 15 %, until days tell."""
_OTHERS_DIFFER: Final = 0.0144
"""The same of how many scores or durations lie below the usual median: by 3 percentage points."""
_DAYS_OF_ASSUMPTION: Final = 7
_KEPT: Final = 6 / 7
"""What a day leaves of the days before it: a week's memory."""


class Sums(Struct, array_like=True, frozen=True):
    """k and n of each of `part.RATES` in `hours` of the tenant's day; `bins` of each sketch; `n` transactions.

    What fades is no whole number of failures: rounded down each night, those of a small tenant were soon none at all.
    """

    n: int = 0
    hours: dict[int, tuple[float, ...]] = {}
    bins: dict[str, Bins] = {}

    def plus(self, hour: int, part: Part) -> "Sums":
        """Return the sum with the part of five minutes in that hour of the tenant's day."""
        if not part.n:
            return self
        known = self.hours.get(hour)
        rates = part.rates if known is None else tuple(map(sum, zip(known, part.rates, strict=True)))
        bins = {**self.bins, **{name: added(self.bins.get(name, {}), each) for name, each in part.bins.items()}}
        return Sums(self.n + part.n, {**self.hours, hour: rates}, bins)

    def rate(self, metric: str) -> tuple[int, int]:
        """Return k and n of a rate over all hours."""
        place = 2 * RATES.index(metric)
        k, n = (sum(each[at] for each in self.hours.values()) for at in (place, place + 1))
        return round(k), round(n)


class Usual(Struct, array_like=True, frozen=True):
    """What was usual: sums that fade by days, and what each day had, to tell by how much days differ.

    `days`: start of the day, with k and n of each rate, then of each sketch how many lay below the usual median and how
    many there were. `slices`: rates by attribute and value, which fade likewise.
    """

    sums: Sums = Sums()
    days: tuple[tuple[int, dict[str, tuple[int, int]]], ...] = ()
    slices: Slices = {}

    def plus(self, day_ms: int, hour: int, part: Part) -> "Usual":
        """Return it with the part of five minutes in that hour of the tenant's day that began at `day_ms`."""
        sums, days, slices = self.sums, self.days, self.slices
        if not days or days[-1][0] != day_ms:
            if days:
                sums, slices = _faded(sums), _faded_slices(slices)
            days = (*days, (day_ms, {}))[-_DAYS:]
        today = dict(days[-1][1])
        for place, metric in enumerate(RATES):
            _count(today, metric, part.rates[2 * place], part.rates[2 * place + 1])
        for name, bins in part.bins.items():
            middle = _median_bin(sums.bins.get(name, {}))
            if middle is not None:
                _count(today, name, sum(n for at, n in bins.items() if at < middle), sum(bins.values()))
        return Usual(sums.plus(hour, part), (*days[:-1], (day_ms, today)), added_slices(slices, part.slices))

    def dispersion(self, name: str, expected: float) -> float:
        """Return by how much days differ more than chance does, where so many events are expected.

        What is assumed weighs as much as a week of days does.
        """
        assumed = DESIGN + (_RATES_DIFFER if name in RATES else _OTHERS_DIFFER) * expected
        days = [counts[name] for _, counts in self.days if name in counts and counts[name][1]]
        phi, mean = pearson_dispersion(days), sum(k for k, _ in days) / max(1, len(days))
        if phi is None or not mean:
            return assumed
        weight = len(days) / (len(days) + _DAYS_OF_ASSUMPTION)
        return max(DESIGN, weight * phi_at(phi, mean, expected) + (1 - weight) * assumed)


def _count(today: dict[str, tuple[int, int]], name: str, k: int, n: int) -> None:
    known = today.get(name, (0, 0))
    today[name] = known[0] + k, known[1] + n


def _median_bin(bins: Mapping[int, int]) -> int | None:
    seen, half = 0, sum(bins.values()) / 2
    for place in sorted(bins):
        seen += bins[place]
        if seen >= half:
            return place
    return None


def _faded_slices(slices: Slices) -> Slices:
    return {
        name: {value: tuple(each * _KEPT for each in rates) for value, rates in most(values).items()}
        for name, values in slices.items()
    }


def _faded(sums: Sums) -> Sums:
    hours = {hour: tuple(each * _KEPT for each in rates) for hour, rates in sums.hours.items()}
    return Sums(int(sums.n * _KEPT), hours, {name: _faded_bins(each) for name, each in sums.bins.items()})


def _faded_bins(bins: Bins) -> Bins:
    """Return the bins, faded so that what lies up to each of them fades: a tail of single scores is no less than it."""
    most, seen, taken = int(sum(bins.values()) * _KEPT), 0, 0
    faded = {}
    for place in sorted(bins):
        seen += bins[place]
        up_to = min(most, round(seen * _KEPT))
        if up_to > taken:
            faded[place] = up_to - taken
        taken = max(taken, up_to)
    return faded
