"""What a step publishes: the windows that were revised, and what is found in them, in the order of their ends."""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain, count, groupby
from typing import Any, Final

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, WINDOW
from proofwatch.events.types import Anomaly
from proofwatch.events.wire import Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.late import NOTHING_LATE
from services.aggregator.core.cusum.rows import firing_rows, is_looked_at, row_of, turning
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.governed_markers import Governed
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.log_end import silent_until
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.publishing import window_event
from services.aggregator.core.quiet import activity, firing_slots
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_S, SECOND_MS
from services.aggregator.core.watch import Watch, is_judged, slot_key
from services.aggregator.handlers.found_record import found_record
from services.aggregator.handlers.late_counts import LateInStep
from services.aggregator.handlers.open_windows import OpenWindows
from services.aggregator.ports.windows import WindowsStores

_UNATTENDED: Final = 50
"""Windows that are judged between two statements; a database ends a transaction in which none comes for 5 s."""


class WindowFindings:
    """Judges revisions, and makes records of them and of what is found."""

    def __init__(self, monitoring: Monitoring, grace_ms: int, wire: Wire, stores: WindowsStores) -> None:
        """`grace_ms`: how long after its end a window closes, and after a silence what ended by it."""
        self._monitoring = monitoring
        self._grace_ms = grace_ms
        self._stores = stores
        self._window, self._anomaly = wire.encoder(WINDOW), wire.encoder(ANOMALY)

    async def publish(
        self,
        revised: Sequence[WindowRevision],
        timestamp_ms: int | None,
        in_hand: OpenWindows,
        past_ms: int | None,
        heard_ms: int | None,
        partition: int,
        days_of: DaysOf,
        governed: Governed,
        tx: Any,
    ) -> list[Outgoing]:
        """Return the windows and what is found in them; store what is remembered of them.

        A closing has the time at which it was due, however much later the batch reaches: so does a case that it opens.
        `past_ms`: what ended by then has closed; `heard_ms`: where the log ends (None: it goes on). `governed`: the
        markers of these tenants.
        """
        silent_ms = silent_until(past_ms, heard_ms)
        tenants = {each.key.tenant for each in revised} | in_hand.silent(silent_ms, days_of)
        waited = LateInStep.due(in_hand.late, past_ms)
        tenants |= waited
        if not tenants:
            return []
        anomalies = await self._stores.anomalies.load_anomalies(tx, tenants)
        late = LateInStep(in_hand.late, past_ms, self._grace_ms)
        charts = await self._charts(revised, waited, late, anomalies, days_of, governed, tx)
        watch = await self._watch(revised, anomalies, charts, heard_ms, days_of, governed, tx)
        outgoing: list[Outgoing] = []
        number = count()
        for (bucket, due_ms), windows in groupby(revised, lambda each: (each.key, each.due_ms)):
            at_ms = timestamp_ms if due_ms is None else due_ms
            if due_ms is not None:
                outgoing += self._silent(watch, bucket.end_by(days_of), days_of, bucket.tenant)
            together = list(windows)
            for each in together:
                if next(number) % _UNATTENDED == 0:
                    await self._stores.windows.attend(tx)
                outgoing += self._windows_and_findings(watch, each, at_ms, days_of)
            if due_ms is not None:
                found = [*self._rates(charts, late, bucket, together, due_ms), *watch.ends.passed(bucket)]
                if bucket.length_s == DAY_S:
                    found += await self._day(watch, charts, bucket, in_hand, days_of, tx)
                outgoing += self._records(found, days_of, due_ms)
        for bucket in late.alone:
            at_ms = bucket.end_ms + self._grace_ms
            outgoing += self._records(self._rates(charts, late, bucket, (), at_ms), days_of, at_ms)
        if silent_ms is not None:
            outgoing += self._silent(watch, silent_ms, days_of)
        late.missed(charts.missed)
        changed = {key: anomalies[key] for key in watch.ends.changed.keys() | charts.changed_anomalies.keys()}
        await self._stores.anomalies.save(tx, watch.changed_baselines, changed)
        await self._stores.rates.save_rates(tx, charts.changed_rows, charts.changed_histories)
        await self._stores.late.save_late(tx, partition, late.changed)
        in_hand.note(changed)
        return outgoing

    async def _charts(
        self,
        revised: Sequence[WindowRevision],
        waited: Collection[str],
        late: LateInStep,
        anomalies: Anomalies,
        days_of: DaysOf,
        governed: Governed,
        tx: Any,
    ) -> RateWatch:
        tenants = {each.key.tenant for each in revised if each.key.length_s == FIVE_MINUTES_S}
        rebases = await self._stores.rates.load_rebases(tx, tenants.union(waited))
        late.plan(revised, rebases, governed)
        looked_at = [each for each in revised if is_looked_at(each)] + [*chain(*late.windows.values())]
        days = {RowKey(each.key.tenant, None, None) for each in revised if each.key.length_s == DAY_S and each.due_ms}
        rows = await self._stores.rates.load_rates(tx, {*map(row_of, looked_at), *firing_rows(anomalies), *days})
        histories = await self._stores.rates.load_hours(tx, turning(looked_at, rows, rebases, governed) | days)
        return RateWatch(self._monitoring, rows, histories, anomalies, days_of, rebases, governed)

    async def _watch(
        self,
        revised: Sequence[WindowRevision],
        anomalies: Anomalies,
        charts: RateWatch,
        heard_ms: int | None,
        days_of: DaysOf,
        governed: Governed,
        tx: Any,
    ) -> Watch:
        slots = {slot_key(each, days_of) for each in revised if is_judged(each)} | firing_slots(anomalies, days_of)
        baselines = await self._stores.anomalies.load_baselines(tx, slots)
        return Watch(
            self._monitoring,
            baselines,
            anomalies,
            days_of=days_of,
            charts=charts.evidence,
            governed=governed,
            heard_ms=heard_ms,
        )

    def _windows_and_findings(
        self, watch: Watch, each: WindowRevision, at_ms: int | None, days_of: DaysOf
    ) -> list[Outgoing]:
        if each.small:
            return []
        event = window_event(each, days_of)
        record = Outgoing(topics.WINDOWS, each.key.tenant.encode(), self._window(event), None, at_ms)
        found = watch.judge(each, event.figures) if is_judged(each) else ()
        return [record, *(found_record(self._anomaly, anomaly, days_of, at_ms) for anomaly in found)]

    @staticmethod
    def _rates(
        charts: RateWatch, late: LateInStep, bucket: BucketKey, windows: Sequence[WindowRevision], due_ms: int
    ) -> Iterable[Anomaly]:
        if bucket.length_s != FIVE_MINUTES_S:
            return
        counters = late.counters.get(bucket, NOTHING_LATE)
        yield from charts.judge(bucket, late.of(bucket, windows) if counters else windows, due_ms, counters)
        yield from charts.passed(bucket)

    async def _day(
        self, watch: Watch, charts: RateWatch, day: BucketKey, in_hand: OpenWindows, days_of: DaysOf, tx: Any
    ) -> list[Anomaly]:
        found = list(watch.judge_days(day, charts.days(day)))
        if watch.ends.unfinished(day):
            fives = await self._five_minutes(in_hand, day, days_of, tx)
            found += watch.ends.left_off(day, activity(fives))
        return found

    def _records(self, found: Iterable[Anomaly], days_of: DaysOf, at_ms: int) -> list[Outgoing]:
        return [found_record(self._anomaly, each, days_of, at_ms) for each in found]

    def _silent(self, watch: Watch, until_ms: int, days_of: DaysOf, tenant: str | None = None) -> list[Outgoing]:
        found = watch.ends.silent(until_ms, tenant)
        return [found_record(self._anomaly, each, days_of, at_ms + self._grace_ms) for at_ms, each in found]

    async def _five_minutes(
        self, in_hand: OpenWindows, day: BucketKey, days_of: DaysOf, tx: Any
    ) -> dict[BucketKey, Collection[Segment]]:
        """Return whose windows the five minutes of a tenant's day have, those that are in hand as they are now."""
        starts = range(day.start_ms, day.end_by(days_of), FIVE_MINUTES_S * SECOND_MS)
        keys = {BucketKey(day.tenant, FIVE_MINUTES_S, start_ms) for start_ms in starts}
        met: dict[BucketKey, Collection[Segment]] = {
            key: in_hand.open[key].segments for key in keys & in_hand.open.keys()
        }
        return met | await self._stores.windows.load_met(tx, keys - met.keys())
