"""windows: merges tallies into buckets, closes and restates windows, and judges their rates."""

from collections.abc import Awaitable, Callable, Container, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final

import structlog

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.port import Batch, History, Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, TALLY, WINDOW
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Anomaly, Cell, Tally
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Monitoring
from proofwatch.runtime.conditions import Condition
from services.aggregator.adapters import postgres_windows as store
from services.aggregator.adapters.anomaly_store import AnomalyStore
from services.aggregator.core.anomalies import Anomalies
from services.aggregator.core.closing import Rules, WindowRevision, close, restate
from services.aggregator.core.journal import CHECKPOINT_BYTES, CHECKPOINT_STEPS, added
from services.aggregator.core.lateness import Arrivals, too_late
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.merge import Bucket, BucketKey, SegmentWindow, deltas, merge, widened
from services.aggregator.core.progress import SourceId, admit, least_progress
from services.aggregator.core.publishing import window_event
from services.aggregator.core.quiet import SILENCE_MS, activity, firing_slots, overdue
from services.aggregator.core.retention import EVERY_MS, first_kept, is_past
from services.aggregator.core.times import DAY_S, SECOND_MS
from services.aggregator.core.watch import Watch, slot_key, to_be_judged

if TYPE_CHECKING:
    import asyncpg

_REMOVED_AT_ONCE: Final = 2_000
"""Rows in one step: some 10 ms."""
STAGE: Final = "windows"
SCHEMA: Final = "windows"


_log = structlog.get_logger(__name__)
_skipped = Condition(_log, "tally_skipped")
_Touched = tuple[Bucket, list[SegmentWindow]]


class _Lane:
    """What a tallies partition has in hand: how far its sources are merged, the buckets that are open, what fires.

    A cache of the database. It counts its steps, and so does the database: where the two differ, somebody's
    transaction was rolled back or another process was here, and the cache is read anew.
    """

    def __init__(self, progress: store.Progress, opened: store.Opened, firing: Anomalies) -> None:
        self.step, self.sources = progress
        self.open, self.changed, self.journal_steps, self.journal_bytes = opened
        self.firing = firing
        self.tidy_at_ms = 0

    def is_long(self) -> bool:
        """Return whether the journal is to be replaced by the buckets themselves."""
        return self.journal_steps >= CHECKPOINT_STEPS or self.journal_bytes >= CHECKPOINT_BYTES

    def silent(self, until_ms: int | None) -> set[str]:
        """Return the tenants of which something fires that has been silent for too long by then."""
        if until_ms is None or not self.firing:
            return set()
        return {key.tenant for _, key in overdue(self.firing, SILENCE_MS, until_ms)}

    def note(self, changed: Anomalies) -> None:
        """Remember what fires."""
        for key, state in changed.items():
            if state.state == "firing":
                self.firing[key] = state
            else:
                self.firing.pop(key, None)


class WindowsStage:
    """One instance serves all tallies partitions; a tenant's rows belong to exactly one of them."""

    def __init__(
        self,
        monitoring: Monitoring,
        rules: Rules,
        verdicts_partitions: Callable[[], Awaitable[int]],
        wire: Wire = JSON,
    ) -> None:
        self._monitoring = monitoring
        self._rules = rules
        self._count_sources = verdicts_partitions
        self._decode = wire.decoder(TALLY)
        self._window, self._anomaly = wire.encoder(WINDOW), wire.encoder(ANOMALY)
        self._expected = 0
        self._anomalies = AnomalyStore(SCHEMA)
        self._lanes: dict[TopicPartition, _Lane] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Begin anew from the database."""
        self._expected = await self._count_sources()
        self._lanes.pop(source, None)

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._lanes.pop(source, None)

    async def step(self, batch: Batch, tx: "asyncpg.Connection") -> Sequence[Outgoing]:
        """Merge the batch's tallies, close what became due, and return windows, anomalies and dead letters.

        Time moves by tallies alone, so an idle batch changes nothing. Raises `TalliesMissing`.
        """
        if not batch.records:
            return ()
        lane = await self._in_hand(batch.source, tx)  # put back only when the whole step has succeeded
        before_ms = least_progress(lane.sources, topics.VERDICTS, self._expected)
        arrivals, outgoing = _admitted(batch, lane, self._decode, self._rules.horizon_ms)
        progress_ms = least_progress(lane.sources, topics.VERDICTS, self._expected)
        journal: list[bytes] = []
        touched = await self._merge(arrivals.in_time, lane, tx, journal, before_ms)
        revised = [*restate(touched, self._rules), *close(lane.open.values(), progress_ms, self._rules)]
        past_ms = None if progress_ms is None else progress_ms - self._rules.grace_ms
        outgoing += await self._publish(revised, batch.progress_ms, lane, past_ms, tx)
        if arrivals.late:
            # After the closings: it came when they were long past, however the log is cut into batches.
            late = too_late(arrivals.late, self._rules.horizon_ms)
            more = await self._merge([cell for cell, _ in arrivals.late], lane, tx, journal, before_ms, late)
            revised = [*restate(more, self._rules, late), *close(lane.open.values(), progress_ms, self._rules)]
            outgoing += await self._publish(revised, batch.progress_ms, lane, past_ms, tx)
            touched += more
        await self._save(touched, journal, lane, batch.source.partition, progress_ms, tx)
        self._lanes[batch.source] = lane
        return outgoing

    async def _save(
        self,
        touched: list[_Touched],
        journal: list[bytes],
        lane: _Lane,
        partition: int,
        progress_ms: int | None,
        tx: "asyncpg.Connection",
    ) -> None:
        """Write closed buckets whole; of the open ones only what was added, unless the journal has become long.

        With the journal empty, and only then, what is kept no longer is removed: nothing can bring it back.
        """
        tidies = bool(self._rules.keep) and progress_ms is not None and progress_ms >= lane.tidy_at_ms
        whole = {bucket.key: bucket for bucket, _ in touched if bucket.closed}
        for key, bucket in list(lane.open.items()):
            if bucket.closed:
                whole[key] = lane.open.pop(key)
        lane.changed = (lane.changed | {bucket.key for bucket, _ in touched}) & lane.open.keys()
        entry: bytes | None = store.joined(journal)
        lane.step += 1
        lane.journal_steps += bool(entry)
        lane.journal_bytes += len(entry or b"")
        if tidies or lane.is_long():
            whole |= {key: lane.open[key] for key in lane.changed}
            lane.changed, lane.journal_steps, lane.journal_bytes, entry = set(), 0, 0, None
        await store.save(tx, partition, store.Progress(lane.step, lane.sources), list(whole.values()), entry)
        if tidies and progress_ms is not None:
            removed = await store.remove(tx, partition, first_kept(progress_ms, self._rules.keep), _REMOVED_AT_ONCE)
            lane.tidy_at_ms = progress_ms + (0 if removed == _REMOVED_AT_ONCE else EVERY_MS)
            if removed:
                _log.info("windows_removed", partition=partition, rows=removed)

    async def _in_hand(self, source: TopicPartition, tx: "asyncpg.Connection") -> _Lane:
        lane = self._lanes.pop(source, None)
        stored = await store.load_progress(tx, source.partition)
        if lane is None or lane.step != stored.step:
            opened = await store.load_open(tx, source.partition)
            lane = _Lane(stored, opened, await store.load_firing(tx, source.partition))
        return lane

    async def _merge(
        self,
        cells: list[Cell],
        lane: _Lane,
        tx: "asyncpg.Connection",
        journal: list[bytes],
        before_ms: int | None,
        late: Container[BucketKey] = (),
    ) -> list[_Touched]:
        """Merge the cells into their buckets. One that is not in hand is new, or has closed and is read again.

        `before_ms`: the progress before the batch. What is kept no longer by then may have been removed; judged by the
        progress behind the batch, a log that comes at once would lose windows that it keeps when it comes day by day.
        """
        if not cells:
            return []
        minutes = deltas(cells)
        additions = widened(minutes)
        known = lane.open | await store.load(tx, additions.keys() - lane.open.keys())
        past = [key for key in additions if key not in known and is_past(key, before_ms, self._rules.keep)]
        journal.append(store.encoded(added(minutes, late, past)))
        for key in past:
            del additions[key]
        touched = list(merge(known, additions, late))
        lane.open |= {bucket.key: bucket for bucket, _ in touched if not bucket.closed}
        return touched

    async def _publish(
        self,
        revised: list[WindowRevision],
        timestamp_ms: int | None,
        lane: _Lane,
        past_ms: int | None,
        tx: "asyncpg.Connection",
    ) -> list[Outgoing]:
        """Return the windows and what is found in them; store the baselines and anomalies that changed.

        A closing has the time at which it was due, however much later the batch reaches: so does a case that it opens.
        `past_ms`: what ended by then has closed; so what was silent for too long by then has ended.
        """
        tenants = {each.key.tenant for each in revised} | lane.silent(past_ms)
        if not tenants:
            return []
        anomalies = await self._anomalies.load_anomalies(tx, tenants)
        judged = to_be_judged(revised, anomalies)
        slots = {slot_key(each) for each in judged} | firing_slots(anomalies)
        watch = Watch(self._monitoring, await self._anomalies.load_baselines(tx, slots), anomalies)
        outgoing: list[Outgoing] = []
        for (bucket, due_ms), windows in groupby(judged, key=lambda each: (each.key, each.due_ms)):
            at_ms = timestamp_ms if due_ms is None else due_ms
            if due_ms is not None:
                outgoing += self._silent(watch, bucket.end_ms, bucket.tenant)
            for each in windows:
                if watch.concerns(each):
                    outgoing += self._windows_and_findings(watch, each, at_ms)
            if due_ms is not None:
                ended = list(watch.passed(bucket))
                if bucket.length_s == DAY_S and watch.unfinished(bucket):
                    ended += watch.left_off(bucket, activity(await _fives(lane, bucket, tx)))
                outgoing += [self._found(anomaly, at_ms) for anomaly in ended]
        if past_ms is not None:
            outgoing += self._silent(watch, past_ms)
        await self._anomalies.save(tx, watch.changed_baselines, watch.changed_anomalies)
        lane.note(watch.changed_anomalies)
        return outgoing

    def _windows_and_findings(self, watch: Watch, each: WindowRevision, at_ms: int | None) -> list[Outgoing]:
        event = window_event(each)
        found = [self._found(anomaly, at_ms) for anomaly in watch.judge(each, event.figures)]
        if each.small:
            return found
        return [Outgoing(topics.WINDOWS, each.key.tenant.encode(), self._window(event), None, at_ms), *found]

    def _silent(self, watch: Watch, until_ms: int, tenant: str | None = None) -> list[Outgoing]:
        return [self._found(found, at_ms + self._rules.grace_ms) for at_ms, found in watch.silent(until_ms, tenant)]

    def _found(self, anomaly: Anomaly, at_ms: int | None) -> Outgoing:
        return Outgoing(topics.ANOMALIES, anomaly.tenant.encode(), self._anomaly(anomaly), None, at_ms)


async def _fives(lane: _Lane, day: BucketKey, tx: "asyncpg.Connection") -> list[Bucket]:
    """Return the five-minute buckets of a tenant's day, those that are in hand as they are now."""
    starts = range(day.start_ms, day.end_ms, FIVE_MINUTES_S * SECOND_MS)
    keys = {BucketKey(day.tenant, FIVE_MINUTES_S, start_ms) for start_ms in starts}
    in_hand = {key: lane.open[key] for key in keys & lane.open.keys()}
    return [*in_hand.values(), *(await store.load(tx, keys - in_hand.keys())).values()]


def _admitted(
    batch: Batch, lane: _Lane, decode: Callable[[bytes | None], Tally], horizon_ms: int
) -> tuple[Arrivals, list[Outgoing]]:
    """Return the cells that are not merged yet, and dead letters; move the sources on."""
    arrivals = Arrivals([], [])
    dead = []
    for record in batch.records:
        try:
            tally = decode(record.value)
        except Rejected as rejected:
            dead.append(dead_letter(record, batch.source, STAGE, rejected.reason, rejected.message))
            continue
        source = SourceId(tally.source_topic, tally.source_partition)
        before = lane.sources.get(source)
        lane.sources[source], fresh = admit(tally, before)
        if not fresh:
            _skipped.holds(
                group=STAGE,
                topic=source.topic,
                partition=source.partition,
                tally=f"{tally.position_before} to {tally.position_after}",
                merged_to=lane.sources[source].position,
                reason="it is merged already: combine repeats what it has published; were its group's offsets reset, "
                "or the verdicts topic made anew before this release?",
            )
        else:
            arrivals.add(tally.cells, before.progress_ms if before else None, horizon_ms)
    return arrivals, dead
