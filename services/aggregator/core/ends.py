"""What fires, and what ends it without a window of its own: silence, other buckets, the rest of its own day."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import Monitoring
from services.aggregator.core import lengths, quiet
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import EMPTY, Baselines, in_slot
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.detectors.detector import Detector, Trials
from services.aggregator.core.finding import NOTHING, Evidence
from services.aggregator.core.log_end import breaks_off
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.segments import Segment
from services.aggregator.core.series import CUSUM, SeriesKey


class Ends:
    """The anomalies of a watch; collects which of them changed."""

    def __init__(
        self,
        monitoring: Monitoring,
        baselines: Baselines,
        anomalies: Anomalies,
        *,
        silence_ms: int,
        days_of: DaysOf,
        detectors: Sequence[Detector],
        charts: Callable[[SeriesKey], Evidence] | None,
        heard_ms: int | None,
    ) -> None:
        """See `watch.Watch`; `anomalies` are updated."""
        self._monitoring = monitoring
        self._baselines = baselines
        self._anomalies = anomalies
        self._silence_ms = silence_ms
        self._days_of = days_of
        self._detectors = detectors
        self._charts = charts
        self._heard_ms = heard_ms
        self.changed: Anomalies = {}

    def heard(self, key: SeriesKey, start_ms: int) -> None:
        """Note that a series had trials on a day of another class: what fires goes on, and is not judged by them."""
        state = self._anomalies.get(key)
        if state is not None and state.state == "firing":
            self.put(key, quiet.heard(state, start_ms))

    def known(self, key: SeriesKey) -> AnomalyState | None:
        """Return what is known of a series."""
        return self._anomalies.get(key)

    def put(self, key: SeriesKey, state: AnomalyState) -> None:
        """Keep what has become of a series."""
        if state is not self._anomalies.get(key):
            self._anomalies[key] = self.changed[key] = state

    def silent(self, until_ms: int, tenant: str | None = None) -> Iterator[tuple[int, Anomaly]]:
        """Yield what has been silent for too long by `until_ms`, with the time by which it had; None: all tenants."""
        mine = {key: each for key, each in self._anomalies.items() if tenant is None or key.tenant == tenant}
        for at_ms, key in quiet.overdue(mine, self._silence_ms, until_ms, self._days_of):
            yield at_ms, self._end(key, at_ms)

    def passed(self, bucket: BucketKey) -> Iterator[Anomaly]:
        """Yield what ends because another bucket of its tenant closed without it; after the bucket's windows."""
        broken_off = breaks_off(bucket.end_by(self._days_of), self._heard_ms)
        for key, state in self._firing(bucket) if not broken_off else ():
            if state.last_start_ms >= bucket.start_ms or not quiet.of_class(key, bucket.start_ms, self._days_of):
                continue
            self.put(key, quiet.one_more(state))
            if state.quiet + 1 >= lengths.QUIET_WINDOWS[key.length_s]:
                yield self._end(key, bucket.end_by(self._days_of))

    def unfinished(self, bucket: BucketKey) -> bool:
        """Return whether a segment's anomaly was judged by this day, so that it may have ended within it."""
        return any(key.segment_name and each.last_start_ms == bucket.start_ms for key, each in self._firing(bucket))

    def left_off(self, day: BucketKey, activity: Mapping[Segment, quiet.Activity]) -> Iterator[Anomaly]:
        """Yield what ended within its own day: its segment came no more, and the tenant went on."""
        for key, state in self._firing(day):
            met = activity.get((key.segment_name, key.segment_value))
            if key.segment_name and state.last_start_ms == day.start_ms and met and met.over:
                yield self._end(key, day.end_by(self._days_of), met.last_ms)

    def _firing(self, bucket: BucketKey) -> list[tuple[SeriesKey, AnomalyState]]:
        return [
            (key, each)
            for key, each in self._anomalies.items()
            if each.state == "firing"
            and key[0] == bucket.tenant
            and key.length_s == bucket.length_s
            and key.rule != CUSUM
        ]

    def _end(self, key: SeriesKey, until_ms: int, since_ms: int | None = None) -> Anomaly:
        state = self._anomalies[key]
        moved, event = quiet.ended(key, state, until_ms, self._last_evidence(key, state), self._days_of, since_ms)
        self.put(key, moved)
        return event

    def _last_evidence(self, key: SeriesKey, state: AnomalyState) -> Evidence:
        """Return what the series was compared with last; nothing where its rule, or its expected rate, has gone."""
        if key.rule == CUSUM:
            return self._charts(key) if self._charts else NOTHING
        detector = next((each for each in self._detectors if each.rule == key.rule), None)
        if detector is None or not detector.watches(key, self._monitoring):
            return NOTHING
        stored = self._baselines.get(quiet.judged_slot(key, state, self._days_of), {}).get(key.baseline_column, EMPTY)
        baseline = in_slot(stored, self._days_of(key.tenant), key.length_s, state.last_start_ms)
        return detector.read(Trials(key, state.last_start_ms, 0, 0), baseline, self._monitoring).evidence
