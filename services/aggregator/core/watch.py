"""The watch over published windows: every rate of every window through the 2 × baseline rule, in order."""

from collections.abc import Iterable, Iterator, Mapping

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import Monitoring
from services.aggregator.core import lengths, quiet
from services.aggregator.core.anomalies import DAILY, REAL_TIME, Anomalies, AnomalyState, SeriesKey, WindowRef, judge
from services.aggregator.core.baselines import EMPTY, Baselines, SlotKey, slot_of
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_S


def slot_key(revised: WindowRevision) -> SlotKey:
    """Return the row of baselines that a window is judged by."""
    key, window = revised.key, revised.window
    return SlotKey(key.tenant, window.name, window.value, key.length_s, slot_of(key.length_s, key.start_ms))


def to_be_judged(revised: Iterable[WindowRevision], anomalies: Anomalies) -> list[WindowRevision]:
    """Return the windows to judge: small ones only where an anomaly of theirs is firing, or may be by then.

    One that begins in this very batch counts too, or what ends it would depend on how the log is cut into batches.
    """
    firing = {key[:3] + key[4:] for key, each in anomalies.items() if each.state == "firing"}
    judged = []
    for each in revised:
        series = (each.key.tenant, each.window.name, each.window.value, each.key.length_s)
        if not each.small:
            firing.add(series)
        elif series not in firing:
            continue
        judged.append(each)
    return judged


class Watch:
    """Judges windows one after another, each by what the earlier ones left; collects what changed."""

    def __init__(self, monitoring: Monitoring, baselines: Baselines, anomalies: Anomalies) -> None:
        """`baselines` has a row, perhaps empty, for the `slot_key` of every window to come, and for what
        fires (`quiet.firing_slots`).

        Both are updated.
        """
        self._monitoring = monitoring
        self._baselines = baselines
        self._anomalies = anomalies
        self.changed_baselines: Baselines = {}
        self.changed_anomalies: Anomalies = {}

    def concerns(self, revised: WindowRevision) -> bool:
        """Return whether there is anything to judge: a small window can only end what is firing by now."""
        (tenant, length_s, _), window = revised.key, revised.window
        if not revised.small:
            return True
        keys = (SeriesKey(tenant, window.name, window.value, metric, length_s) for metric in self._monitoring.expected)
        return any((known := self._anomalies.get(key)) and known.state == "firing" for key in keys)

    def judge(self, revised: WindowRevision, figures: Iterable[Figure]) -> Iterator[Anomaly]:
        """Yield what the window's rates begin, change or end."""
        (tenant, length_s, start_ms), window, small = revised.key, revised.window, revised.small
        reference = WindowRef(start_ms, revised.key.end_ms, window.revision, revised.backfill)
        cadence = DAILY if length_s >= DAY_S else REAL_TIME
        slot = slot_key(revised)
        row = self._baselines[slot]
        for figure in figures:
            if not figure.n or figure.k is None:
                continue
            key = SeriesKey(tenant, window.name, window.value, figure.metric, length_s)
            known, anomaly = row.get(figure.metric, EMPTY), self._anomalies.get(key)
            if small and not (anomaly and anomaly.state == "firing"):
                continue
            judged = judge(key, reference, figure.k, figure.n, known, anomaly, self._monitoring, cadence)
            if small and anomaly and not (judged.anomaly and judged.anomaly.state == "resolved"):
                self._put(key, quiet.too_few(anomaly))  # a few that are no better keep nothing firing
                continue
            if judged.baseline is not known:
                row[figure.metric] = judged.baseline
                self.changed_baselines[slot] = row
            if judged.anomaly is not None:
                self._put(key, judged.anomaly)
            if judged.event is not None:
                yield judged.event

    def silent(self, until_ms: int, tenant: str | None = None) -> Iterator[tuple[int, Anomaly]]:
        """Yield what has been silent for too long by `until_ms`, with the time by which it had; None: all tenants."""
        mine = {key: each for key, each in self._anomalies.items() if tenant is None or key.tenant == tenant}
        for at_ms, key in quiet.overdue(mine, quiet.SILENCE_MS, until_ms):
            yield at_ms, self._end(key, at_ms)

    def passed(self, bucket: BucketKey) -> Iterator[Anomaly]:
        """Yield what ends because another bucket of its tenant closed without it; after the bucket's windows."""
        for key, state in self._firing(bucket):
            if state.last_start_ms >= bucket.start_ms:
                continue
            self._put(key, quiet.one_more(state))
            if state.quiet + 1 >= lengths.QUIET_WINDOWS[key.length_s]:
                yield self._end(key, bucket.end_ms)

    def unfinished(self, bucket: BucketKey) -> bool:
        """Return whether a segment's anomaly was judged by this day, so that it may have ended within it."""
        return any(key.segment_name and each.last_start_ms == bucket.start_ms for key, each in self._firing(bucket))

    def left_off(self, day: BucketKey, activity: Mapping[Segment, quiet.Activity]) -> Iterator[Anomaly]:
        """Yield what ended within its own day: its segment came no more, and the tenant went on."""
        for key, state in self._firing(day):
            met = activity.get((key.segment_name, key.segment_value))
            if key.segment_name and state.last_start_ms == day.start_ms and met and met.over:
                yield self._end(key, day.end_ms, met.last_ms)

    def _firing(self, bucket: BucketKey) -> list[tuple[SeriesKey, AnomalyState]]:
        return [
            (key, each)
            for key, each in self._anomalies.items()
            if each.state == "firing" and (key.tenant, key.length_s) == (bucket.tenant, bucket.length_s)
        ]

    def _end(self, key: SeriesKey, until_ms: int, since_ms: int | None = None) -> Anomaly:
        state = self._anomalies[key]
        baseline = self._baselines.get(quiet.judged_slot(key, state), {}).get(key.metric, EMPTY)
        moved, event = quiet.ended(key, state, until_ms, baseline, self._monitoring, since_ms)
        self._put(key, moved)
        return event

    def _put(self, key: SeriesKey, state: AnomalyState) -> None:
        if state is not self._anomalies.get(key):
            self._anomalies[key] = self.changed_anomalies[key] = state
