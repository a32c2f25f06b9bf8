"""Durations that jump from one day to the next: of a tenant, a handset, an OS, an SDK release, a country.

A day's median and nine tenths are compared with those of up to 14 days before, on a logarithmic scale. One is a finding
where it is `RATIO` times the median of those days *and* `_SPREADS` times their spread away, which is taken to be 10 %
until days tell. Days that jumped stay out of what is usual for a week; then it is the way it is. While a comparison of
versions tells of the same duration, nothing is said: that is its cause.
"""

from collections.abc import Collection, Iterable, Iterator
from math import erfc, exp, log, sqrt
from statistics import median, pvariance
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.finding import NOTHING, Counted, Evidence, Resolution, Stated, build_anomaly
from services.aggregator.core.merge import BucketKey, SegmentWindow
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.versions.change import quantile, share_above
from services.aggregator.core.versions.part import TIMINGS, Bins, part_of_window

RULE: Final = "timing_jump"
RATIO: Final = 1.5
_SPREADS: Final = 6.0
_ASSUMED: Final = 0.1
_ASSUMED_DAYS: Final = 7
_LEAST_DAYS: Final = 7
_KEPT_DAYS: Final = 14
_LEAST: Final = 50
"""Durations of a day from which on its quantiles say something."""
_SLICES: Final = frozenset({None, "device_model", "os", "sdk_version", "country"})
_QUANTILES: Final = (0.5, 0.9)
_LEFT_OUT_MS: Final = 7 * DAY_MS
_GONE_MS: Final = 3 * DAY_MS


class DayOf(Struct, array_like=True, frozen=True):
    """The median and nine tenths of a day that began at `start_ms`, as logarithms of milliseconds."""

    start_ms: int
    quantiles: tuple[float, ...]


class Durations(Struct, array_like=True, frozen=True):
    """One duration of a slice: its last days, and what is told. `last_ms`: the newest day that was judged.

    `fired_ms`: the day on which it jumped; 0: it did not. `revision` counts what was told of it.
    """

    days: tuple[DayOf, ...] = ()
    last_ms: int = 0
    fired_ms: int = 0
    anomaly_id: str = ""
    revision: int = 0


Timings = dict[str, Durations]
"""Of a tenant, by slice and duration (`_key`)."""


class _Jump(NamedTuple):
    share: float
    ratio: float
    baseline_ms: float
    p_value: float


def judged(
    timings: Timings, day: BucketKey, windows: Iterable[SegmentWindow], explained: Collection[str]
) -> Iterator[Anomaly]:
    """Yield what a closed or restated day begins or ends; `timings` is updated.

    `explained`: durations that a new version is told to have changed.
    """
    met = set[str]()
    for window in windows:
        if window.name not in _SLICES:
            continue
        for metric, bins in part_of_window(window).bins.items():
            key = _key(window.name, window.value, metric)
            if metric in TIMINGS and sum(bins.values()) >= _LEAST:
                met.add(key)
                timings[key], event = _day(timings.get(key, Durations()), day, key, bins, metric in explained)
                if event is not None:
                    yield event
    for key, known in sorted(timings.items()):
        if known.fired_ms and key not in met and day.start_ms - known.last_ms >= _GONE_MS:
            timings[key] = replace(known, fired_ms=0, revision=known.revision + 1)
            yield _event(day, key, timings[key], known.fired_ms, None, {}, "no_traffic")


def _day(known: Durations, day: BucketKey, key: str, bins: Bins, explained: bool) -> tuple[Durations, Anomaly | None]:
    mine = DayOf(day.start_ms, tuple(log(max(quantile(bins, share), 1e-3)) for share in _QUANTILES))
    before = [each for each in known.days if each.start_ms < day.start_ms][-_KEPT_DAYS:]
    jump, within = _jump(mine, before)
    fires = jump is not None and not explained
    left_out = fires and (not known.fired_ms or day.start_ms - known.fired_ms < _LEFT_OUT_MS)
    others = [each for each in known.days if each.start_ms != day.start_ms]
    days = tuple(sorted([*others, *([] if left_out else [mine])], key=lambda each: each.start_ms)[-_KEPT_DAYS:])
    if day.start_ms < known.last_ms:
        return replace(known, days=days), None
    moved = replace(known, days=days, last_ms=day.start_ms)
    if fires and not known.fired_ms:
        fresh = derived_id("anomaly", RULE, day.tenant, *key.split("\x1f"), day.start_ms)
        revision = known.revision + 1 if fresh == known.anomaly_id else 1
        moved = replace(moved, fired_ms=day.start_ms, anomaly_id=fresh, revision=revision)
        return moved, _event(day, key, moved, day.start_ms, jump, bins)
    if known.fired_ms and within:
        moved = replace(moved, fired_ms=0, revision=known.revision + 1)
        return moved, _event(day, key, moved, known.fired_ms, jump, bins)
    return moved, None


def _jump(mine: DayOf, before: Collection[DayOf]) -> tuple[_Jump | None, bool]:
    """Return the larger jump, and whether the day is as the days before."""
    if len(before) < _LEAST_DAYS:
        return None, True
    found, within = [], True
    for place, share in enumerate(_QUANTILES):
        usual = [each.quantiles[place] for each in before]
        center = median(usual)
        spread = sqrt((len(usual) * pvariance(usual) + _ASSUMED_DAYS * _ASSUMED**2) / (len(usual) + _ASSUMED_DAYS))
        beyond = mine.quantiles[place] - center
        within = within and beyond < log(1 + (RATIO - 1) / 2)
        if beyond >= max(log(RATIO), _SPREADS * spread):
            found.append(_Jump(share, exp(beyond), exp(center), erfc(beyond / spread / sqrt(2)) / 2))
    return max(found, key=lambda each: each.ratio, default=None), within


def _key(name: str | None, value: str | None, metric: str) -> str:
    return f"{name or ''}\x1f{value or ''}\x1f{metric}"


def _event(
    day: BucketKey,
    key: str,
    known: Durations,
    fired_ms: int,
    jump: _Jump | None,
    bins: Bins,
    resolution: Resolution | None = None,
) -> Anomaly:
    name, value, metric = key.split("\x1f")
    evidence, k, n, affected = NOTHING, 0, 0, None
    if jump is not None:
        k, n = share_above(bins, jump.baseline_ms)
        base = 1 - jump.share
        low, high = wilson(k, n)
        evidence = Evidence(k / n, low, high, 0, 0, base, 0, k / n / base, jump.p_value)
        affected = max(0.0, k - n * base)
    return build_anomaly(
        SeriesKey(day.tenant, name or None, value or None, metric, DAY_S, RULE),
        Stated(known.anomaly_id, known.revision, "firing" if known.fired_ms else "resolved", "high"),
        Counted(day.start_ms, day.end_ms, k, n, evidence),
        cadence="daily",
        action="incident_review",
        resolution=resolution,
        direction="up",
        since=instant_of(fired_ms),
        statistic=None if jump is None else jump.ratio,
        threshold=None if jump is None else RATIO,
        affected=affected,
    )
