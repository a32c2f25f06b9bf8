"""The incident stage: keeps anomalies and counts of windows, and tells what one cause did once.

Two lanes feed it, anomalies and windows of one partition, hence of the same tenants. Nothing is told before both have
come so far in time that all of a closing is there (`core.incident_groups`). So what is told is a function of the log.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog

from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.detection.ever_so import before
from proofwatch.detection.findings import Panel, Slice, panel_of, traffic_of
from proofwatch.detection.impostors import labelled_days
from proofwatch.detection.incident import Incident
from proofwatch.detection.incident_event import event_of
from proofwatch.detection.incidents import Incidents, forget, regrouped, remembering, take
from proofwatch.detection.panel_days import days_of
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, INCIDENT, WINDOW
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from services.aggregator.core.incident_groups import Arrival, Group, split
from services.aggregator.core.incident_intake import storable_anomaly, storable_window
from services.aggregator.core.incident_windows import Place, Told, joined, place_of, rate_by, table, told_of
from services.aggregator.core.retention import EVERY_MS
from services.aggregator.core.times import DAY_MS
from services.aggregator.ports.incidents import IncidentsStore

TOPICS: Final = (topics.ANOMALIES, topics.WINDOWS)
_DAYS_KEPT: Final = 60
"""Days whose windows are kept: a promised limit is judged by 28 of them, when labels of a month ago have come."""
_REMOVED_AT_ONCE: Final = 2_000

_log = structlog.get_logger(__name__)
_Table = dict[Slice, tuple[int, int]]


class _Memory:
    """What this process knows of a partition, as of a step."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.tenants: dict[str, Incidents] = {}
        self.tables: dict[str, dict[Panel, _Table]] = {}

    def windows_came(self, tenant: str, place: Place) -> None:
        """Forget what was counted over the place."""
        for panel in list(self.tables.get(tenant, ())):
            if panel.start_ms < place.end_ms and place.start_ms < panel.start_ms + panel.length_s * 1000:
                del self.tables[tenant][panel]


class IncidentsStage:
    """One instance for all lanes of a process; a partition of both topics is held while it is written for."""

    def __init__(self, store: IncidentsStore, horizon_ms: int, wire: Wire = JSON) -> None:
        """`horizon_ms`: for how long after its end an incident and what it was made of is kept."""
        self._store = store
        self._horizon_ms = horizon_ms
        self._anomaly, self._window = wire.decoder(ANOMALY), wire.decoder(WINDOW)
        self._encode = wire.encoder(INCIDENT)
        self._memory: dict[int, _Memory] = {}
        self._quiet: dict[int, int | None] = {}
        """How far windows were when anomalies last had nothing, and have had nothing since; by partition."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Begin anew from the database."""
        await self.closed(source)

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._memory.pop(source.partition, None)
        self._quiet.pop(source.partition, None)

    async def step(self, batch: Batch, tx: Any) -> Sequence[Output]:
        """Keep the batch; return rejections, and incidents that began or changed by what is complete now."""
        partition = batch.source.partition
        if not batch.records and not await self._store.waiting(tx, partition):
            return ()
        taken = await self._store.hold(tx, partition)
        memory = self._memory.pop(partition, None)  # put back only when the whole step has succeeded
        if memory is None or memory.step != taken.step:
            memory = _Memory(taken.step)
        keep = self._keep_anomalies if batch.source.topic == topics.ANOMALIES else self._keep_windows
        output: list[Output] = [*await keep(batch, memory, taken.done_ms, tx)]
        complete_ms = self._complete(batch, await self._store.progress(tx))
        groups, _ = split(await self._store.arrivals(tx, partition), complete_ms)
        await self._store.take(tx, partition, [each for group in groups for each in group.anomalies])
        output += await self._told(groups, memory, tx)
        done_ms = max(taken.done_ms, complete_ms or 0)
        memory.step = taken.step + 1
        tidy_ms = await self._tidied(partition, taken.tidy_ms, done_ms, tx)
        await self._store.move(tx, partition, taken._replace(step=memory.step, done_ms=done_ms, tidy_ms=tidy_ms))
        self._memory[partition] = memory
        return output

    def _complete(self, batch: Batch, progress: Mapping[TopicPartition, int | None]) -> int | None:
        """Return the time up to which both lanes have come; None: one of them has not begun.

        Where time moves by records alone, anomalies are too rare to move it. They are published no later than the
        windows that they are of: so when twice running there was none, all have come of before the windows then.
        """
        partition = batch.source.partition
        known = {**progress, batch.source: batch.progress_ms}
        windows_ms = known.get(TopicPartition(topics.WINDOWS, partition))
        anomalies_ms = known.get(TopicPartition(topics.ANOMALIES, partition))
        if batch.source.topic == topics.ANOMALIES:
            quiet_ms = self._quiet.pop(partition, None)
            if not batch.records:
                self._quiet[partition] = windows_ms
                anomalies_ms = max((each for each in (anomalies_ms, quiet_ms) if each is not None), default=None)
        return None if windows_ms is None or anomalies_ms is None else min(windows_ms, anomalies_ms)

    async def _keep_anomalies(self, batch: Batch, memory: _Memory, done_ms: int, tx: Any) -> list[Rejection]:
        rejections, new = [], []
        for record in batch.records:
            try:
                anomaly = storable_anomaly(self._anomaly(record.value))
            except Rejected as rejected:
                rejections.append(Rejection.of(record, rejected))
            else:
                new += [Arrival(_at(record, done_ms), anomaly)] if anomaly else []
        await self._store.arrive(tx, batch.source.partition, new)
        return rejections

    async def _keep_windows(self, batch: Batch, memory: _Memory, done_ms: int, tx: Any) -> list[Rejection]:
        rejections: list[Rejection] = []
        new: dict[tuple[str, Place], list[Told]] = {}
        for record in batch.records:
            try:
                window = storable_window(self._window(record.value))
            except Rejected as rejected:
                rejections.append(Rejection.of(record, rejected))
            else:
                new.setdefault((window.tenant, place_of(window)), []).append(told_of(window, _at(record, done_ms)))
        known = await self._store.load_windows(tx, new.keys())
        rows = {at: joined(known.get(at, ()), those, done_ms) for at, those in new.items()}
        await self._store.save_windows(tx, batch.source.partition, rows)
        for at in rows:
            memory.windows_came(*at)
        return rejections

    async def _told(self, groups: Sequence[Group], memory: _Memory, tx: Any) -> list[Outgoing]:
        missing = {group.tenant for group in groups} - memory.tenants.keys()
        memory.tenants |= await self._store.load(tx, missing)
        before = {tenant: memory.tenants[tenant] for tenant in sorted({group.tenant for group in groups})}
        outgoing: list[Outgoing] = []
        for group in groups:
            state = forget(memory.tenants[group.tenant], group.end_ms - self._horizon_ms)
            after = take(state, group.anomalies)
            if after is not state:
                tables = await self._tables(group.tenant, after, memory, group.end_ms, tx)
                after, changes = regrouped(remembering(after._replace(tables=tables)))
                outgoing += self._records(changes, state, group)
            memory.tenants[group.tenant] = after._replace(tables={})
        for tenant, state in before.items():
            await self._store.save(tx, tenant, state, memory.tenants[tenant])
        return outgoing

    async def _tables(
        self, tenant: str, state: Incidents, memory: _Memory, until_ms: int, tx: Any
    ) -> dict[Panel, _Table]:
        """Return the counts that the tenant's findings were judged by, as they were known before `until_ms`."""
        wanted = {panel_of(each) for each in state.findings.values() if each.worst}
        wanted |= {among for panel in wanted if (among := traffic_of(panel))}
        wanted |= {week for each in state.findings.values() if (week := before(each))}
        kept = memory.tables.setdefault(tenant, {})
        for panel in kept.keys() - wanted:
            del kept[panel]
        found = {panel: kept[panel] for panel in wanted & kept.keys()}
        exact = {(tenant, Place(panel.length_s, panel.start_ms)) for panel in wanted - kept.keys()}
        rows = await self._store.load_windows(tx, exact)
        for panel in sorted(wanted - kept.keys()):
            place = Place(panel.length_s, panel.start_ms)
            known = {place: rows[tenant, place]} if (tenant, place) in rows else {}
            if not any(panel.metric in told.rates for told in known.get(place, ())):
                known = await self._store.windows_within(tx, tenant, panel)
            found[panel] = table(panel, {at: rate_by(row, panel.metric, until_ms) for at, row in known.items()})
            if all(told.seen_ms < until_ms for row in known.values() for told in row):
                kept[panel] = found[panel]
        days = {day for each in state.findings.values() if each.worst for day in days_of(each.worst)}
        days |= {day for each in state.findings.values() for day in labelled_days(each)}
        days -= found.keys()
        places = {day: (tenant, Place(day.length_s, day.start_ms)) for day in days}
        rows = await self._store.load_windows(tx, set(places.values()))
        for day, at in sorted(places.items()):
            if at in rows:
                found[day] = table(day, {at[1]: rate_by(rows[at], day.metric, until_ms)})
        return found

    def _records(self, changes: Iterable[Incident], before: Incidents, group: Group) -> list[Outgoing]:
        events = (event_of(each, before.incidents.get(each.incident_id), group.known_at) for each in changes)
        return [
            Outgoing(topics.INCIDENTS, each.tenant.encode(), self._encode(each), timestamp_ms=group.end_ms)
            for each in events
        ]

    async def _tidied(self, partition: int, tidy_ms: int, done_ms: int, tx: Any) -> int:
        """Remove counts that are old enough, some at a time; return when to look again."""
        if done_ms < tidy_ms:
            return tidy_ms
        before_ms = done_ms - self._horizon_ms - DAY_MS
        removed = await self._store.forget(tx, partition, before_ms, done_ms - _DAYS_KEPT * DAY_MS, _REMOVED_AT_ONCE)
        if removed:
            _log.info("incident_windows_removed", partition=partition, rows=removed)
        return done_ms + (0 if removed == _REMOVED_AT_ONCE else EVERY_MS)


def _at(record: Record, done_ms: int) -> int:
    return max(record.timestamp_ms, done_ms)
