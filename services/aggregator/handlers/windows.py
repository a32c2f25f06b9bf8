"""windows: merges tallies into buckets, closes and restates windows, and judges their rates."""

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import TYPE_CHECKING, Final

from proofwatch.bus.dead_letter import dead_letter
from proofwatch.bus.port import Batch, History, Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import ANOMALY, TALLY, WINDOW
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Cell, Tally
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.adapters import postgres_windows as store
from services.aggregator.adapters.anomaly_store import AnomalyStore
from services.aggregator.core.closing import Published, Rules, close, restate
from services.aggregator.core.journal import CHECKPOINT_BYTES, CHECKPOINT_STEPS, added
from services.aggregator.core.lateness import Arrivals, too_late
from services.aggregator.core.merge import Bucket, BucketKey, SegmentWindow, deltas, merge, widened
from services.aggregator.core.progress import SourceId, admit, least_progress
from services.aggregator.core.publishing import window_event
from services.aggregator.core.watch import Watch, slot_key, to_be_judged

if TYPE_CHECKING:
    import asyncpg

STAGE: Final = "windows"
SCHEMA: Final = "windows"


_Touched = tuple[Bucket, list[SegmentWindow]]


class _Lane:
    """What a tallies partition has in hand: how far its sources are merged, and the buckets that are open.

    A cache of the database. It counts its steps, and so does the database: where the two differ, somebody's
    transaction was rolled back or another process was here, and the cache is read anew.
    """

    def __init__(self, progress: store.Progress, opened: store.Opened) -> None:
        self.step, self.sources = progress
        self.open, self.changed, self.journal_steps, self.journal_bytes = opened

    def is_long(self) -> bool:
        """Return whether the journal is to be replaced by the buckets themselves."""
        return self.journal_steps >= CHECKPOINT_STEPS or self.journal_bytes >= CHECKPOINT_BYTES


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
        arrivals, outgoing = _admitted(batch, lane, self._decode, self._rules.horizon_ms)
        progress_ms = least_progress(lane.sources, topics.VERDICTS, self._expected)
        journal: list[bytes] = []
        touched = await self._merge(arrivals.in_time, lane, tx, journal)
        published = [*restate(touched, self._rules), *close(lane.open.values(), progress_ms, self._rules)]
        outgoing += await self._publish(published, batch.progress_ms, tx)
        if arrivals.late:
            # After the closings: it came when they were long past, however the log is cut into batches.
            late = too_late(arrivals.late, self._rules.horizon_ms)
            more = await self._merge([cell for cell, _ in arrivals.late], lane, tx, journal, late)
            published = [*restate(more, self._rules, late), *close(lane.open.values(), progress_ms, self._rules)]
            outgoing += await self._publish(published, batch.progress_ms, tx)
            touched += more
        await self._save(touched, journal, lane, batch.source.partition, tx)
        self._lanes[batch.source] = lane
        return outgoing

    async def _save(
        self, touched: list[_Touched], journal: list[bytes], lane: _Lane, partition: int, tx: "asyncpg.Connection"
    ) -> None:
        """Write closed buckets whole; of the open ones only what was added, unless the journal has become long."""
        whole = {bucket.key: bucket for bucket, _ in touched if bucket.closed}
        for key, bucket in list(lane.open.items()):
            if bucket.closed:
                whole[key] = lane.open.pop(key)
        lane.changed = (lane.changed | {bucket.key for bucket, _ in touched}) & lane.open.keys()
        entry: bytes | None = store.joined(journal)
        lane.step += 1
        lane.journal_steps += bool(entry)
        lane.journal_bytes += len(entry or b"")
        if lane.is_long():
            whole |= {key: lane.open[key] for key in lane.changed}
            lane.changed, lane.journal_steps, lane.journal_bytes, entry = set(), 0, 0, None
        await store.save(tx, partition, store.Progress(lane.step, lane.sources), list(whole.values()), entry)

    async def _in_hand(self, source: TopicPartition, tx: "asyncpg.Connection") -> _Lane:
        lane = self._lanes.pop(source, None)
        stored = await store.load_progress(tx, source.partition)
        if lane is None or lane.step != stored.step:
            lane = _Lane(stored, await store.load_open(tx, source.partition))
        return lane

    async def _merge(
        self,
        cells: list[Cell],
        lane: _Lane,
        tx: "asyncpg.Connection",
        journal: list[bytes],
        late: Container[BucketKey] = (),
    ) -> list[_Touched]:
        """Merge the cells into their buckets. One that is not in hand is new, or has closed and is read again."""
        if not cells:
            return []
        minutes = deltas(cells)
        journal.append(store.encoded(added(minutes, late)))
        additions = widened(minutes)
        known = lane.open | await store.load(tx, additions.keys() - lane.open.keys())
        touched = list(merge(known, additions, late))
        lane.open |= {bucket.key: bucket for bucket, _ in touched if not bucket.closed}
        return touched

    async def _publish(
        self, published: list[Published], timestamp_ms: int | None, tx: "asyncpg.Connection"
    ) -> list[Outgoing]:
        """Return the windows and what is found in them; store the baselines and anomalies that changed.

        A closing has the time at which it was due, however much later the batch reaches: so does a case that it opens.
        """
        if not published:
            return []
        anomalies = await self._anomalies.load_anomalies(tx, {each.key.tenant for each in published})
        judged = to_be_judged(published, anomalies)
        baselines = await self._anomalies.load_baselines(tx, {slot_key(each) for each in judged})
        watch = Watch(self._monitoring, baselines, anomalies)
        outgoing = []
        for each in judged:
            if not watch.concerns(each):
                continue
            event = window_event(each)
            key, at_ms = each.key.tenant.encode(), timestamp_ms if each.due_ms is None else each.due_ms
            if not each.small:
                outgoing.append(Outgoing(topics.WINDOWS, key, self._window(event), None, at_ms))
            outgoing += [
                Outgoing(topics.ANOMALIES, key, self._anomaly(anomaly), None, at_ms)
                for anomaly in watch.judge(each, event.figures)
            ]
        await self._anomalies.save(tx, watch.changed_baselines, watch.changed_anomalies)
        return outgoing


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
        if fresh:
            arrivals.add(tally.cells, before.progress_ms if before else None, horizon_ms)
    return arrivals, dead
