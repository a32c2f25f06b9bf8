"""The watch over rates in real time: what the charts of a closed five-minute window begin, change or end.

A finding of a chart is high at its limit, and of a whole tenant of low evidence at the low limit. That of a segment
value also needs an effect that the rest of its tenant does not have (`core.own_effect`), so that a change of the
whole tenant is found once. It ends when the charts have come back to zero, or for want of traffic: after so many
windows of the tenant without any of the value's that its traffic since the change point makes them a surprise
(`core.cusum.patience`); silence of the tenant is `core.quiet`'s.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import Monitoring
from services.aggregator.core import quiet
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.chart import Counts
from services.aggregator.core.cusum.finding import event, moved
from services.aggregator.core.cusum.growth import so_far
from services.aggregator.core.cusum.hours import Turn, begun_anew, rebased, turned
from services.aggregator.core.cusum.kinds import Trials, as_tenant, begins_with_firsts, is_ready, rule_of, trials_of
from services.aggregator.core.cusum.late import NOTHING_LATE, with_late
from services.aggregator.core.cusum.patience import patience_of
from services.aggregator.core.cusum.rebase import Rebase, due
from services.aggregator.core.cusum.rolling import DAYS, Rolled, days_of_row
from services.aggregator.core.cusum.rows import due_markers, firing_rows, row_of
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.cusum.step import Seen, closed
from services.aggregator.core.cusum.window_counts import Whole, counts_of, wholes_of
from services.aggregator.core.figures import OF_FIRST, PROXIES, REFERRALS
from services.aggregator.core.finding import NOTHING, Evidence
from services.aggregator.core.governed_markers import NOBODY, Governed
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.life import TRANSITIONS, Observation, Phase
from services.aggregator.core.merge import BucketKey, totals
from services.aggregator.core.own_effect import Compared, own_effect
from services.aggregator.core.segments import Segment
from services.aggregator.core.series import CUSUM, Direction, SeriesKey
from services.aggregator.core.times import DAY_S, HOUR_MS

DIRECTIONS: Final[tuple[Direction, ...]] = ("up", "down")
_DAYS_S: Final = (DAY_S, *(each * DAY_S for each in DAYS))
_NONE: Final[frozenset[str]] = frozenset()


class RateWatch:
    """Moves charts by closed windows, one bucket after another; collects what changed."""

    def __init__(
        self,
        monitoring: Monitoring,
        rows: dict[RowKey, RateRow],
        histories: dict[RowKey, HourRow],
        anomalies: Anomalies,
        days_of: DaysOf,
        rebases: Sequence[Rebase] = (),
        governed: Governed = NOBODY,
    ) -> None:
        """`rows` has an entry for each window to come and each that fires, `histories` for those that turn.

        All three are updated. `days_of`: whose hours and days are which. `rebases`: what people said of these tenants;
        `governed`: markers of theirs.
        """
        self._governed = governed
        self._days_of = days_of
        self._rebases = rebases
        self._rule = monitoring.cusum
        self._expected = {
            each.metric: monitoring.expected[each.metric] for each in PROXIES if each.metric in monitoring.expected
        }
        if REFERRALS in self._expected:  # a bound of those of people once each, too
            self._expected[PEOPLE_REFERRED] = self._expected[REFERRALS]
        self._rows, self._histories, self._anomalies = rows, histories, anomalies
        self._firing = firing_rows(anomalies)
        """Rows of which something may fire: few, while there are many rates to ask."""
        self.changed_rows: dict[RowKey, RateRow] = {}
        self.changed_histories: dict[RowKey, HourRow] = {}
        self.changed_anomalies: Anomalies = {}
        self.missed: list[tuple[RowKey, Mapping[str, int]]] = []
        """Counters of windows that are no newer than what their charts have seen: late data made them."""

    def judge(
        self,
        bucket: BucketKey,
        windows: Iterable[WindowRevision],
        known_ms: int,
        late: Mapping[Segment, Mapping[str, int]] = NOTHING_LATE,
    ) -> Iterator[Anomaly]:
        """Yield what the windows of a closed bucket begin, change or end, the whole tenant's first.

        `known_ms`: when it closed. `late`: what came late, and counts with them (`cusum.late`).
        """
        return self.judge_counts(bucket, self._trials(bucket, windows, late), known_ms)

    def _trials(
        self, bucket: BucketKey, windows: Iterable[WindowRevision], late: Mapping[Segment, Mapping[str, int]]
    ) -> Iterator[tuple[RowKey, Trials]]:
        for each in windows:
            key, own = row_of(each), totals(each.window).counts
            counts = with_late(own, late.get((each.window.name, each.window.value))) if late else own
            if bucket.start_ms <= self._rows[key].last_ms:
                self.missed.append((key, counts))
            else:
                yield key, trials_of(counts)

    def judge_counts(
        self, bucket: BucketKey, windows: Iterable[tuple[RowKey, Trials]], known_ms: int
    ) -> Iterator[Anomaly]:
        """Yield the same of k and n by metric, of each tenant or segment value, the tenant's own window first."""
        tenant: dict[str, Whole] = {}
        for key, trials, row in self._turned(bucket, windows):
            yield from self._judged_anew(key, row.last_ms, bucket)
            whole, begins = key.segment_name is None, self._begins(key, row, trials)
            counts = counts_of(row, bucket.start_ms, trials, begins, tenant, self._expected)
            seen = closed(row, bucket.start_ms, counts, self._expected, self._rule, begins, whole=whole)
            if whole:
                tenant = wholes_of(row, counts)
            may_fire = key in self._firing
            for metric, both in seen.items():
                for side in both:
                    if side.alarms or side.low or (may_fire and self._fires(key, metric, side.direction)):
                        yield from self._judged(key, metric, side, counts[metric], known_ms, whole=whole)

    def passed(self, bucket: BucketKey) -> Iterator[Anomaly]:
        """Yield what ends because buckets of its tenant closed without it; after the bucket's windows."""
        for key, state in list(self._anomalies.items()):
            if key.rule != CUSUM or key.tenant != bucket.tenant or state.state != "firing":
                continue
            if state.last_start_ms >= bucket.start_ms:
                continue
            self._put(key, quiet.one_more(state))
            rates = self._rows.get(RowKey(*key[:3]), RateRow()).rates.get(key.metric)
            if state.quiet + 1 >= patience_of(rates, key, state):
                after, ending = quiet.ended(key, state, bucket.end_ms, self.evidence(key), self._days_of)
                self._put(key, after)
                yield replace(ending, affected=self._so_far(key))

    def evidence(self, key: SeriesKey) -> Evidence:
        """Return what a series is compared with, without trials."""
        state = self._rows.get(RowKey(*key[:3]), RateRow()).rates.get(key.metric)
        if state is None:
            return NOTHING
        usual = state.usual
        return NOTHING._replace(
            baseline_k=usual.k, baseline_n=usual.n, baseline_rate=usual.p0, baseline_periods=usual.hours
        )

    def days(self, bucket: BucketKey) -> Iterator[tuple[str, Rolled]]:
        """Yield three and seven days of a whole tenant, by metric, at the closing of a day of its calendar."""
        key = RowKey(bucket.tenant, None, None)
        row, history = self._rows.get(key), self._histories.get(key)
        if row is not None and history is not None:
            yield from days_of_row(row, history, bucket.start_ms, self._days_of(bucket.tenant))

    def _turned(
        self, bucket: BucketKey, windows: Iterable[tuple[RowKey, Trials]]
    ) -> Iterator[tuple[RowKey, Trials, RateRow]]:
        """Yield the windows with their rows, which stand in the hour of the bucket.

        Those of values turn all at once, after their tenant's has been judged: they count what it counts.
        """
        start_ms = bucket.start_ms
        for _, some in groupby(windows, lambda each: each[0].segment_name is None):
            # late data may make a window where there was none
            later = [(*each, self._rows[each[0]]) for each in some if start_ms > self._rows[each[0]].last_ms]
            turns = [each for each in (self._turn(*one, start_ms) for one in later) if each is not None]
            if turns:
                calendar = self._days_of(bucket.tenant).calendar(start_ms)
                turned(turns, start_ms, self._expected, self._rule, calendar)
            yield from later

    def _turn(self, key: RowKey, trials: Trials, row: RateRow, start_ms: int) -> Turn | None:
        """Return what turns of a row with its hour, or begins anew; None: nothing does."""
        self.changed_rows[key] = row
        words = due(self._rebases, key, row.last_ms, start_ms)
        markers = due_markers(self._governed, key, row.last_ms, start_ms)
        kinds = self._kinds(key, row, start_ms, trials)
        changes = any(row.rates[metric].firsts != firsts for metric, firsts in kinds.items())
        if words or markers or changes or row.hour != start_ms // HOUR_MS:
            history = self._histories[key]
            for word in words:
                for metric in row.rates if word.metric is None else row.rates.keys() & {word.metric}:
                    whole = key.segment_name is None
                    rebased(row, history, metric, word, rule_of(metric, self._rule), whole=whole)
            for marker in markers:
                for metric in row.rates.keys() & marker.begins_anew:
                    begun_anew(row, history, metric, marker)
            self.changed_histories[key] = history
            return Turn(row, history, kinds)
        return None

    def _judged_anew(self, row: RowKey, last_ms: int, bucket: BucketKey) -> Iterator[Anomaly]:
        """Yield the end of what fires of a rate that begins anew: what it was compared with counts no more.

        Of days too: a day's finding would stand until midnight by what is usual no more.
        """
        for marker in due_markers(self._governed, row, last_ms, bucket.start_ms):
            for metric in sorted(marker.begins_anew):
                charts = [SeriesKey(*row, metric, FIVE_MINUTES_S, CUSUM, each) for each in DIRECTIONS]
                days = [SeriesKey(*row, metric, each, free=free) for each in _DAYS_S for free in (False, True)]
                for key in (*charts, *days):
                    state = self._anomalies.get(key)
                    if state is None or state.state != "firing":
                        continue
                    after, ending = quiet.ended(
                        key, state, bucket.end_ms, NOTHING, self._days_of, bucket.start_ms, "judged_anew"
                    )
                    self._put(key, after)
                    yield ending

    def _kinds(self, key: RowKey, row: RateRow, start_ms: int, trials: Trials) -> dict[str, bool]:
        """Return whether each rate of a row counts first attempts from this window on."""
        tenant = self._rows.get(RowKey(key.tenant, None, None))
        if key.segment_name is not None and tenant is not None:
            return as_tenant(row, tenant, trials)
        hour, known = start_ms // HOUR_MS, trials.first is not None
        turns = row.hour != hour
        return {
            metric: known and (state.firsts or (turns and self._goes_over(key, metric, hour)))
            for metric, state in row.rates.items()
            if metric in OF_FIRST
        }

    def _goes_over(self, key: RowKey, metric: str, hour: int) -> bool:
        """Return whether the charts of a tenant may count first attempts: enough is known, and nothing fires."""
        if not is_ready(self._histories[key], metric, hour, self._rule):
            return False
        return not any(
            one.rule == CUSUM and one.tenant == key.tenant and one.metric == metric and each.state == "firing"
            for one, each in self._anomalies.items()
        )

    def _begins(self, key: RowKey, row: RateRow, trials: Trials) -> frozenset[str]:
        """Return the rates that a row has not yet, and that begin with first attempts: the tenant's, if it has them."""
        new = trials.attempts.keys() - row.rates.keys()
        if not new:
            return _NONE
        tenant = None if key.segment_name is None else self._rows.get(RowKey(key.tenant, None, None))
        of_tenant = {} if tenant is None else tenant.rates
        return frozenset(
            metric
            for metric in new
            if begins_with_firsts(metric, trials) and (metric not in of_tenant or of_tenant[metric].firsts)
        )

    def _judged(
        self, row: RowKey, metric: str, seen: Seen, counts: Counts, known_ms: int, *, whole: bool
    ) -> Iterator[Anomaly]:
        key = SeriesKey(*row, metric, FIVE_MINUTES_S, CUSUM, seen.direction)
        anomaly = self._anomalies.get(key)
        phase: Phase = anomaly.severity if anomaly and anomaly.state == "firing" else "quiet"
        observation: Observation = "within" if seen.over else "weak"
        if seen.alarms and (whole or self._is_own(seen)):
            observation = "high"
        elif seen.low:
            observation = "low_evidence"
        effect = TRANSITIONS[phase, observation]
        if effect == "none":
            return
        told = phase == "high" and (seen.step is not None or seen.grew)
        after = moved(key, counts.start_ms, effect, observation, anomaly, told=told)
        self._put(key, after)
        if effect != "hold" or told:
            yield event(key, after, seen, counts, known_ms)

    def _fires(self, row: RowKey, metric: str, direction: Direction) -> bool:
        known = self._anomalies.get(SeriesKey(*row, metric, FIVE_MINUTES_S, CUSUM, direction))
        return known is not None and known.state == "firing"

    def _is_own(self, seen: Seen) -> bool:
        chart, rule = seen.chart, self._rule
        compared = Compared(chart.k, chart.expected, chart.rest_k, chart.rest_expected)
        return own_effect(compared, seen.direction, rule.segment_ratio, rule.segment_alpha, seen.phi)

    def _so_far(self, key: SeriesKey) -> float | None:
        rates = self._rows.get(RowKey(*key[:3]), RateRow()).rates.get(key.metric)
        up = key.direction == "up"
        return None if rates is None else so_far(rates.up if up else rates.down, up=up)

    def _put(self, key: SeriesKey, state: AnomalyState) -> None:
        self._anomalies[key] = self.changed_anomalies[key] = state
        if state.state == "firing":
            self._firing.add(RowKey(*key[:3]))
