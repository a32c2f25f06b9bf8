"""Durations that jump from one day to the next: of a tenant, a handset, an OS, an SDK release, a country.

A day's median and nine tenths are compared with those of up to 14 days before, on a logarithmic scale. One is a finding
where it is `RATIO` times the median of those days *and* chance does not explain it: days differ, and by how much is
learnt of each series, for two months, from how far each day was from the ones before it. 10 % are assumed of two
weeks before. p < 10⁻⁷, by a t distribution of the days learnt from. Days that jumped stay out of what is usual for
a week; then it is the way it is. While a comparison of versions tells of the same duration, nothing is said: that is
its cause.

A governed marker has the durations that it touches begin anew: what is told of them ends as `judged_anew`, days before
it count no more, nor does its own, and how much days differ is learnt again. For a week nothing is said then but by the
comparison of before and after.

False findings: 21 slices × 2 quantiles × 365 days are 15,000 looks a year for each duration, so 0.0015 by chance,
where the logarithms of days are normal (`python -m tests.unit.aggregator.null_timings`).
"""

from collections.abc import Collection, Iterable, Iterator
from math import log
from typing import Final

from msgspec.structs import replace

from proofwatch.biometrics.intervals import wilson
from proofwatch.events.enumerations import AnomalyResolution
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Anomaly
from proofwatch.instants import instant_of
from services.aggregator.core.finding import NOTHING, Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.governed_markers import GovernedMarker, begun_ms
from services.aggregator.core.merge import BucketKey, SegmentWindow
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.timing_days import KEPT_DAYS, QUANTILES, RATIO, DayOf, Durations, Jump, jump_of, taught
from services.aggregator.core.versions.change import quantile, share_above
from services.aggregator.core.versions.part import TIMINGS, Bins, part_of_window

RULE: Final = "timing_jump"
_LEAST: Final = 50
"""Durations of a day from which on its quantiles say something."""
_SLICES: Final = frozenset({None, "device_model", "os", "sdk_version", "country"})
_LEFT_OUT_MS: Final = 7 * DAY_MS
_GONE_MS: Final = 3 * DAY_MS


Timings = dict[str, Durations]
"""Of a tenant, by slice and duration (`_key`)."""


def judged(
    timings: Timings,
    day: BucketKey,
    windows: Iterable[SegmentWindow],
    explained: Collection[str],
    markers: Collection[GovernedMarker] = (),
    end_ms: int | None = None,
) -> Iterator[Anomaly]:
    """Yield what a closed or restated day begins or ends; `timings` is updated.

    `explained`: durations that a new version is told to have changed. `markers`: governed ones of the
    tenant; `end_ms`: of the day, by the tenant's calendar; None: it is as long as its key says.
    """
    met = set[str]()
    for window in windows:
        if window.name not in _SLICES:
            continue
        for metric, bins in part_of_window(window).bins.items():
            key = _key(window.name, window.value, metric)
            if metric in TIMINGS and sum(bins.values()) >= _LEAST:
                met.add(key)
                since_ms = begun_ms(markers, (window.name, window.value), metric, end_ms or day.end_ms)
                known, ending = _begun(timings.get(key, Durations()), day, key, since_ms)
                if ending is not None:
                    yield ending
                timings[key], event = _day(known, day, key, bins, metric in explained, since_ms)
                if event is not None:
                    yield event
    for key, known in sorted(timings.items()):
        if known.fired_ms and key not in met and day.start_ms - known.last_ms >= _GONE_MS:
            timings[key] = replace(known, fired_ms=0, revision=known.revision + 1)
            yield _event(day, key, timings[key], known.fired_ms, None, {}, "no_traffic")


def _begun(known: Durations, day: BucketKey, key: str, since_ms: int) -> tuple[Durations, Anomaly | None]:
    """Return what is known if a marker came since the last day that was judged, and the end of what is told."""
    if not known.last_ms < since_ms or since_ms == known.begun_ms or day.start_ms <= known.last_ms:
        return known, None
    moved = replace(known, begun_ms=since_ms, fired_ms=0, learnt=0, squares=())
    if not known.fired_ms:
        return moved, None
    moved = replace(moved, revision=known.revision + 1)
    return moved, _event(day, key, moved, known.fired_ms, None, {}, "judged_anew")


def _day(
    known: Durations, day: BucketKey, key: str, bins: Bins, explained: bool, since_ms: int
) -> tuple[Durations, Anomaly | None]:
    mine = DayOf(day.start_ms, tuple(log(max(quantile(bins, share), 1e-3)) for share in QUANTILES))
    before = [each for each in known.days if since_ms <= each.start_ms < day.start_ms][-KEPT_DAYS:]
    if day.start_ms > known.last_ms:
        known = taught(replace(known, days=tuple(each for each in known.days if since_ms <= each.start_ms)))
    jump, within = jump_of(mine, before, known) if since_ms <= day.start_ms else (None, True)
    fires = jump is not None and not explained
    left_out = fires and (not known.fired_ms or day.start_ms - known.fired_ms < _LEFT_OUT_MS)
    others = [each for each in known.days if each.start_ms != day.start_ms]
    days = tuple(sorted([*others, *([] if left_out else [mine])], key=lambda each: each.start_ms)[-KEPT_DAYS:])
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


def _key(name: str | None, value: str | None, metric: str) -> str:
    return f"{name or ''}\x1f{value or ''}\x1f{metric}"


def _event(
    day: BucketKey,
    key: str,
    known: Durations,
    fired_ms: int,
    jump: Jump | None,
    bins: Bins,
    resolution: AnomalyResolution | None = None,
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
