"""The watch over windows: every rate of every window through every detector, in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from proofwatch.events.types import Anomaly, Figure
from proofwatch.governance.policy import Monitoring
from services.aggregator.core import lengths, quiet
from services.aggregator.core.anomalies import judge
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import EMPTY, Baselines, SlotKey, in_slot, slot_of
from services.aggregator.core.calendars import DaysOf, utc_days
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.detectors import DETECTORS
from services.aggregator.core.detectors.detector import Detector, Trials
from services.aggregator.core.finding import NOTHING, Evidence
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.segments import Segment
from services.aggregator.core.series import SeriesKey, WindowRef


def slot_key(revised: WindowRevision, days_of: DaysOf = utc_days) -> SlotKey:
    """Return the row of baselines that a window is judged by."""
    key, window = revised.key, revised.window
    slot = slot_of(key.length_s, key.start_ms, days_of(key.tenant))
    return SlotKey(key.tenant, window.name, window.value, key.length_s, slot)


def to_be_judged(revised: Iterable[WindowRevision], anomalies: Anomalies) -> list[WindowRevision]:
    """Return the windows to judge: small ones only where an anomaly of theirs is firing, or may be by then.

    One that begins in this very batch counts too, or what ends it would depend on how the log is cut into batches.
    """
    firing = {
        (key.tenant, key.segment_name, key.segment_value, key.length_s)
        for key, each in anomalies.items()
        if each.state == "firing"
    }
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

    def __init__(
        self,
        monitoring: Monitoring,
        baselines: Baselines,
        anomalies: Anomalies,
        *,
        silence_ms: int = quiet.SILENCE_MS,
        days_of: DaysOf = utc_days,
        detectors: Sequence[Detector] = DETECTORS,
    ) -> None:
        """`baselines` has a row, perhaps empty, for every window to come, and for what fires (`quiet.firing_slots`).

        Both are updated. `silence_ms`: how long a tenant must have been silent to end what fires.
        """
        self._monitoring = monitoring
        self._baselines = baselines
        self._anomalies = anomalies
        self._silence_ms = silence_ms
        self._days_of = days_of
        self._detectors = tuple(detectors)
        self.changed_baselines: Baselines = {}
        self.changed_anomalies: Anomalies = {}

    def concerns(self, revised: WindowRevision) -> bool:
        """Return whether there is anything to judge: a small window can only end what is firing by now."""
        if not revised.small:
            return True
        slot = slot_key(revised, self._days_of)
        keys = (_series(slot, metric, detector) for metric in self._monitoring.expected for detector in self._detectors)
        return any((known := self._anomalies.get(key)) and known.state == "firing" for key in keys)

    def judge(self, revised: WindowRevision, figures: Iterable[Figure]) -> Iterator[Anomaly]:
        """Yield what the rates of a window begin, change or end."""
        window = WindowRef(revised.key.start_ms, revised.key.end_ms, revised.window.revision, revised.backfill)
        return self.judge_window(slot_key(revised, self._days_of), window, figures, small=revised.small)

    def judge_window(
        self, slot: SlotKey, window: WindowRef, figures: Iterable[Figure], *, small: bool = False
    ) -> Iterator[Anomaly]:
        """Yield what these rates of the window begin, change or end; a `small` one begins and keeps nothing."""
        row, days = self._baselines[slot], self._days_of(slot.tenant)
        for figure in figures:
            if not figure.n or figure.k is None:
                continue
            for detector in self._detectors:
                key = _series(slot, figure.metric, detector)
                stored, anomaly = row.get(key.column, EMPTY), self._anomalies.get(key)
                known = in_slot(stored, days, slot.length_s, window.start_ms)
                if small and not (anomaly and anomaly.state == "firing"):
                    continue
                judged = judge(detector, key, window, figure.k, figure.n, known, anomaly, self._monitoring)
                if small and anomaly and not (judged.anomaly and judged.anomaly.state == "resolved"):
                    self._put(key, quiet.too_few(anomaly))  # a few that are no better keep nothing firing
                    continue
                if judged.baseline is not stored:
                    row[key.column] = judged.baseline
                    self.changed_baselines[slot] = row
                if judged.anomaly is not None:
                    self._put(key, judged.anomaly)
                if judged.event is not None:
                    yield judged.event

    def silent(self, until_ms: int, tenant: str | None = None) -> Iterator[tuple[int, Anomaly]]:
        """Yield what has been silent for too long by `until_ms`, with the time by which it had; None: all tenants."""
        mine = {key: each for key, each in self._anomalies.items() if tenant is None or key.tenant == tenant}
        for at_ms, key in quiet.overdue(mine, self._silence_ms, until_ms):
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
        moved, event = quiet.ended(key, state, until_ms, self._last_evidence(key, state), since_ms)
        self._put(key, moved)
        return event

    def _last_evidence(self, key: SeriesKey, state: AnomalyState) -> Evidence:
        """Return what the series was compared with last; nothing where its rule, or its expected rate, has gone."""
        detector = next((each for each in self._detectors if each.rule == key.rule), None)
        if detector is None or not detector.watches(key, self._monitoring):
            return NOTHING
        stored = self._baselines.get(quiet.judged_slot(key, state, self._days_of), {}).get(key.column, EMPTY)
        baseline = in_slot(stored, self._days_of(key.tenant), key.length_s, state.last_start_ms)
        return detector.read(Trials(key, state.last_start_ms, 0, 0), baseline, self._monitoring).evidence

    def _put(self, key: SeriesKey, state: AnomalyState) -> None:
        if state is not self._anomalies.get(key):
            self._anomalies[key] = self.changed_anomalies[key] = state


def _series(slot: SlotKey, metric: str, detector: Detector) -> SeriesKey:
    return SeriesKey(slot.tenant, slot.segment_name, slot.segment_value, metric, slot.length_s, detector.rule)
