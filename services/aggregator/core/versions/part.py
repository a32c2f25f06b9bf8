"""What is counted of five minutes: rates as pairs of integers, scores and durations as bins of the base grids."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.events.segments import VERSIONS
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core import figures
from services.aggregator.core.merge import Histogram, PolicyCounts, SegmentWindow, totals
from services.aggregator.core.segment_values import OTHER
from services.aggregator.core.times import DAY_MS, HOUR_MS

RATES: Final = ("liveness_fail_rate", "match_fail_rate", "fta_rate", "rejection_rate", "retry_rate")
SCORES: Final = ("match", "liveness")
TIMINGS: Final = ("capture_ms", "upload_ms", "match_ms", "liveness_ms")
POLICY: Final = "policy"
DIMENSIONS: Final = (*VERSIONS, "sdk_version", POLICY)
"""Segments that are versions, and the hash of the policy that decided."""

Bins = dict[int, int]
Rates = tuple[int, ...]
"""k and n of each of `RATES`."""
Faded = tuple[float, ...]
"""The same of a time that fades."""
_Counts = TypeVar("_Counts", bound=Faded)
KEPT_VALUES: Final = 32
"""Of each attribute, those with most trials."""
_NOTHING: Final = (0,) * (2 * len(RATES))


class Part(Struct, array_like=True, frozen=True):
    """`n` transactions; `rates`: k and n of each of `RATES`; `bins`: counts by bin of each sketch on its base grid.

    `slices`: of a whole tenant, the rates of its other segments by attribute and value.
    """

    n: int = 0
    rates: Rates = _NOTHING
    bins: dict[str, Bins] = {}
    slices: dict[str, dict[str, Rates]] = {}


class Five(Struct, array_like=True, frozen=True):
    """Five minutes from `start_ms` (since 1970) on: the whole tenant, and by dimension its versions.

    None: the version has all of it. A version that is long known has no rates and no bins. `hour` of the tenant's day;
    None, as a release before stored it: of the UTC day.
    """

    start_ms: int
    whole: Part
    versions: dict[str, dict[str, Part | None]]
    hour: int | None = None

    @property
    def hour_of_day(self) -> int:
        """Return the hour of the day in which they lie."""
        return self.start_ms % DAY_MS // HOUR_MS if self.hour is None else self.hour


def five_of(
    start_ms: int,
    windows: Iterable[SegmentWindow],
    days: TenantDays,
    before: Five | None = None,
    known: Callable[[str, str], bool] = lambda name, version: False,
) -> Five:
    """Return the five minutes of these windows; of a restated one, those that changed, with `before` what it was.

    `known`: whether a version is long known, so that no more is kept of it than how many transactions it had.
    """
    whole = before.whole if before else Part()
    versions = {name: dict(each) for name, each in before.versions.items()} if before else {}
    slices = {name: dict(each) for name, each in whole.slices.items()}
    whole, total = replace(whole, slices={}), None
    counted: list[tuple[str, str, PolicyCounts]] = []
    policies: dict[str, PolicyCounts] = {}
    for window in windows:
        if window.name is None:
            total, policies = totals(window), window.policies
            whole = part_of(total)
        elif window.value is None or (window.name in DIMENSIONS and window.value == OTHER):
            continue  # what is many versions is none
        elif window.name in DIMENSIONS:
            counted.append((window.name, window.value, totals(window)))
        else:
            slices.setdefault(window.name, {})[window.value] = rates_of(totals(window).counts)
    for name, version, counts in (*counted, *((POLICY, each, counts) for each, counts in policies.items())):
        n = counts.counts.get("transactions", 0)
        part = None  # as it is of a version that all of the tenant's have
        if counts != total:
            part = Part(n) if n != whole.n and known(name, version) else part_of(counts)
        versions.setdefault(name, {})[version] = part
    shared = {
        name: {value: None if part is None or part == whole else part for value, part in each.items()}
        for name, each in versions.items()
    }
    whole = replace(whole, slices={name: most(each) for name, each in slices.items()})
    return Five(start_ms, whole, shared, days.hour(start_ms).hour)


def part_of(total: PolicyCounts) -> Part:
    """Return what is counted of a slice, whatever thresholds its scores were counted by."""
    bins: dict[str, Bins] = {
        name: _on_base_grid(total.sketches[name]) for name in (*SCORES, *TIMINGS) if name in total.sketches
    }
    return Part(total.counts.get("transactions", 0), rates_of(total.counts), bins)


def rates_of(counts: Mapping[str, int]) -> Rates:
    """Return what is counted of the rates alone."""
    rates = figures.counted(counts)
    return tuple(each for name in RATES for each in rates[name])


def most(values: Mapping[str, _Counts]) -> dict[str, _Counts]:
    """Return the values with most trials; the others count as the rest."""
    return dict(sorted(values.items(), key=lambda each: (-sum(each[1][1::2]), each[0]))[:KEPT_VALUES])


def part_of_window(window: SegmentWindow) -> Part:
    """Return what is counted of a window, over all policies."""
    return part_of(totals(window))


def only_counted(part: Part) -> Part:
    """Return what is kept of a version that is known."""
    return Part(part.n)


def difference(whole: Part, part: Part) -> Part:
    """Return the rest of the tenant."""
    rates = tuple(each - other for each, other in zip(whole.rates, part.rates, strict=True))
    bins = {name: added(each, part.bins.get(name, {}), -1) for name, each in whole.bins.items()}
    return Part(whole.n - part.n, rates, bins)


def added(bins: Mapping[int, int], more: Mapping[int, int], times: int = 1) -> Bins:
    """Return the sum of two histograms, without empty bins."""
    total = dict(bins)
    for place, n in more.items():
        total[place] = total.get(place, 0) + times * n
    return {place: n for place, n in total.items() if n}


def _on_base_grid(sketch: Histogram) -> Bins:
    places, bins = _places(sketch.grid, sketch.thresholds), Bins()
    for label, n in sketch.bins.items():
        place = places.get(label)
        if place is None or n < 1:
            return _looked_up(sketch)
        bins[place] = bins.get(place, 0) + n
    return bins


@lru_cache(maxsize=256)
def _places(grid: str, thresholds: tuple[float, ...]) -> dict[str, int]:
    """Return in which bin of the base grid each bin lies, by its label."""
    fine, base = edge_set(thresholds, grid), edge_set(grid=grid)
    return {"-1": -1} | {str(place): base.bin_of(edge) for place, edge in enumerate(fine.edges)}


def _looked_up(sketch: Histogram) -> Bins:
    counted = Sketch.from_wire(sketch.grid, sketch.thresholds, sketch.bins)
    return counted.on(edge_set(grid=sketch.grid)).counts if sketch.thresholds else counted.counts
