"""When labelled days close, and the daily watch on what they show."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from proofwatch.events.types import Anomaly, Window
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.anomalies import DAILY, Anomalies, AnomalyState, SeriesKey, WindowRef, judge
from services.aggregator.core.baselines import EMPTY, Baselines, BaselineState
from services.aggregator.core.quiet import LABELS_SILENCE_MS, ended, judged_slot, overdue
from services.aggregator.core.times import DAY_MS, HOUR_MS, milliseconds

WATCHED: Final = ("fmr", "fnmr", "apcer", "bpcer")
"""`apcer` is the headline: its baseline is what the worst species was on earlier days."""


class Schedule(NamedTuple):
    """When a labelled day closes, and from when on it is backfill."""

    grace_hours: int
    alert_horizon_hours: int

    def last_closed(self, progress_ms: int) -> int:
        """Return the last day (days since 1970) whose end plus grace is passed."""
        return (progress_ms - self.grace_hours * HOUR_MS) // DAY_MS - 1

    def backfill(self, day: int, seen_ms: int) -> bool:
        """Return whether what came when its lane was at `seen_ms` came too late: the day could have closed longer ago
        than the alert horizon.
        """
        due_ms = (day + 1) * DAY_MS + self.grace_hours * HOUR_MS
        return seen_ms - due_ms > self.alert_horizon_hours * HOUR_MS


def silent(
    anomalies: Anomalies, baselines: Baselines, monitoring: Monitoring, until_ms: int
) -> Iterator[tuple[SeriesKey, AnomalyState, Anomaly]]:
    """Yield what ends because no labels came for it for too long by `until_ms`; `baselines` as in `core.quiet`."""
    for at_ms, key in overdue(anomalies, LABELS_SILENCE_MS, until_ms):
        state = anomalies[key]
        baseline = baselines[judged_slot(key, state)].get(key.metric, EMPTY)
        yield key, *ended(key, state, at_ms, baseline, monitoring)


class Watched(NamedTuple):
    """What follows from one labelled day: new states, and the events."""

    baselines: dict[str, BaselineState]
    anomalies: dict[SeriesKey, AnomalyState]
    events: list[Anomaly]


def least_progress(lanes: Iterable[int | None]) -> int | None:
    """Return the least progress over all lanes that there must be; None while one has none."""
    found = list(lanes)
    known = [each for each in found if each is not None]
    return min(known) if known and len(known) == len(found) else None


def watch(
    window: Window,
    baselines: Mapping[str, BaselineState],
    anomalies: Mapping[SeriesKey, AnomalyState],
    monitoring: Monitoring,
) -> Watched:
    """Judge the watched rates of one labelled day; `baselines` by metric are those of its series and slot."""
    result = Watched(dict(baselines), {}, [])
    where = WindowRef(milliseconds(window.start), milliseconds(window.end), window.revision, window.backfill)
    for figure in window.figures:
        if figure.metric not in WATCHED or not figure.n or figure.k is None:
            continue
        key = SeriesKey(window.tenant, window.segment_name, window.segment_value, figure.metric, window.length_s)
        before, anomaly = baselines.get(figure.metric, EMPTY), anomalies.get(key)
        found = judge(key, where, figure.k, figure.n, before, anomaly, monitoring, DAILY)
        result.baselines[figure.metric] = found.baseline
        if found.anomaly is not None and found.anomaly is not anomaly:
            result.anomalies[key] = found.anomaly
        if found.event:
            result.events.append(found.event)
    return result
