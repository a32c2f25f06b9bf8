"""windows: merges tallies into buckets, closes and restates windows, and judges their rates."""

from collections.abc import Awaitable, Callable, Container, Sequence
from typing import Any, Final, NamedTuple

import structlog

from proofwatch.bus.records import Batch, Output, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import topics
from proofwatch.events.codec import TALLY
from proofwatch.events.types import Cell
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Monitoring
from proofwatch.governance.tenant_days import SETTLED_MS
from services.aggregator.core.calendars import Calendars
from services.aggregator.core.closing import Rules, close, restate
from services.aggregator.core.governed_markers import NobodysPolicies, Policies
from services.aggregator.core.journal import added
from services.aggregator.core.lateness import too_late
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.log_end import Heard, goes_on
from services.aggregator.core.merge import Bucket, BucketKey, Counters, SegmentWindow, counters, deltas, merge, widened
from services.aggregator.core.progress import least_progress
from services.aggregator.core.real_time.due import DueTimes
from services.aggregator.core.retention import EVERY_MS, first_kept, is_past
from services.aggregator.handlers.first_use import load_statistics
from services.aggregator.handlers.open_windows import OpenWindows
from services.aggregator.handlers.published import Findings
from services.aggregator.handlers.segment_places import Placed, SegmentPlaces
from services.aggregator.handlers.tally_arrivals import admitted
from services.aggregator.ports.windows import Progress, WindowsStores

_REMOVED_AT_ONCE: Final = 2_000
"""Rows in one step: some 10 ms."""
_log = structlog.get_logger(__name__)
_Touched = tuple[Bucket, list[SegmentWindow]]


class _Merged(NamedTuple):
    """The buckets with the windows that changed; and what was added to those that had closed and charts count."""

    touched: list[_Touched]
    added: dict[BucketKey, Counters]


class WindowsStage:
    """One instance serves all tallies partitions; a tenant's rows belong to exactly one of them."""

    def __init__(
        self,
        monitoring: Monitoring,
        rules: Rules,
        verdicts_partitions: Callable[[], Awaitable[int]],
        stores: WindowsStores,
        calendars: Calendars,
        wire: Wire = JSON,
        heard: Heard = goes_on,
        policies: Policies | None = None,
    ) -> None:
        """`calendars`: those of the tenants.

        `heard`: where a log that has an end ends, so that its end is not taken for silence. `policies`: what governs
        the tenants; None: nobody does.
        """
        self._calendars = calendars
        self._rules = rules
        self._count_sources = verdicts_partitions
        self._decode = wire.decoder(TALLY)
        self._store = stores.windows
        self._due = stores.minutes
        self._late = stores.late
        self._findings = Findings(monitoring, rules.grace_ms, wire, stores, heard, policies or NobodysPolicies())
        self._versions_store = stores.versions
        self._places = SegmentPlaces(stores.values)
        self._expected = 0
        self._lanes: dict[TopicPartition, OpenWindows] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Begin anew from the database."""
        load_statistics()
        self._expected = await self._count_sources()
        self._lanes.pop(source, None)

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._lanes.pop(source, None)

    async def step(self, batch: Batch, tx: Any) -> Sequence[Output]:
        """Merge the batch's tallies, close what became due, and return rejections, windows and anomalies.

        Time moves by tallies alone, so an idle batch changes nothing. Raises `TalliesMissing`, and `ReplicaBehind`
        while a calendar may not be known that was in force by the batch's time.
        """
        if not batch.records:
            return ()
        self._calendars.require(batch.progress_ms or 0)
        lane = await self._in_hand(batch.source, tx)  # put back only when the whole step has succeeded
        before_ms = least_progress(lane.sources, topics.VERDICTS, self._expected)
        arrivals, rejections = admitted(batch, lane, self._decode, self._rules.horizon_ms)
        progress_ms = least_progress(lane.sources, topics.VERDICTS, self._expected)
        journal: list[bytes] = []
        in_time = await self._placed(arrivals.in_time, lane, batch, tx)
        touched, added = await self._merge(in_time.cells, lane, tx, journal, before_ms)
        revised = [
            *restate(touched, self._rules, added=added),
            *close(lane.open.values(), progress_ms, self._rules),
        ]
        past_ms = None if progress_ms is None else progress_ms - self._rules.grace_ms
        days_of = self._rules.days_of
        outgoing = [*in_time.alerts, *await self._findings.publish(revised, batch, lane, past_ms, days_of, tx)]
        if arrivals.late:
            # After the closings: it came when they were long past, however the log is cut into batches.
            late = too_late(arrivals.late, self._rules.horizon_ms, self._rules.days_of)
            placed = await self._placed([cell for cell, _ in arrivals.late], lane, batch, tx)
            more, added = await self._merge(placed.cells, lane, tx, journal, before_ms, late)
            revised = [
                *restate(more, self._rules, late, added),
                *close(lane.open.values(), progress_ms, self._rules),
            ]
            outgoing += [*placed.alerts, *await self._findings.publish(revised, batch, lane, past_ms, days_of, tx)]
            touched += more
        await self._save(touched, journal, lane, batch.source.partition, progress_ms, tx)
        self._lanes[batch.source] = lane
        return [*rejections, *outgoing]

    async def _placed(self, cells: list[Cell], lane: OpenWindows, batch: Batch, tx: Any) -> Placed:
        return await self._places.capped(cells, lane.values, batch.source.partition, batch.progress_ms, tx)

    async def _save(
        self,
        touched: list[_Touched],
        journal: list[bytes],
        lane: OpenWindows,
        partition: int,
        progress_ms: int | None,
        tx: Any,
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
        entry: bytes | None = self._store.joined(journal)
        lane.step += 1
        lane.journal_steps += bool(entry)
        lane.journal_bytes += len(entry or b"")
        if tidies or lane.is_long():
            whole |= {key: lane.open[key] for key in lane.changed}
            lane.changed, lane.journal_steps, lane.journal_bytes, entry = set(), 0, 0, None
        await self._store.save(
            tx, partition, Progress(lane.step, lane.sources), list(whole.values()), entry, self._rules.days_of
        )
        if tidies and progress_ms is not None:
            removed = await self._store.remove(
                tx, partition, first_kept(progress_ms, self._rules.keep), _REMOVED_AT_ONCE
            )
            lane.tidy_at_ms = progress_ms + (0 if removed == _REMOVED_AT_ONCE else EVERY_MS)
            if removed:
                _log.info("windows_removed", partition=partition, rows=removed)

    async def _in_hand(self, source: TopicPartition, tx: Any) -> OpenWindows:
        lane = self._lanes.pop(source, None)
        stored = await self._store.load_progress(tx, source.partition)
        if lane is None or lane.step != stored.step:
            days_of = self._calendars.days_of(await self._store.calendars_since(tx))
            self._rules = self._rules._replace(days_of=days_of)
            opened = await self._store.load_open(tx, source.partition, self._rules.days_of)
            firing = await self._store.load_firing(tx, source.partition)
            due = DueTimes(await self._due.load_due(tx, source.partition))
            versions_due = DueTimes(await self._versions_store.load_due(tx, source.partition))
            late = await self._late.load_waiting(tx, source.partition)
            lane = OpenWindows(stored, opened, firing, due, versions_due, late)
        return lane

    async def _merge(
        self,
        cells: list[Cell],
        lane: OpenWindows,
        tx: Any,
        journal: list[bytes],
        before_ms: int | None,
        late: Container[BucketKey] = (),
    ) -> _Merged:
        """Merge the cells into their buckets. One that is not in hand is new, or has closed and is read again.

        `before_ms`: the progress before the batch. What is kept no longer by then may have been removed; judged by the
        progress behind the batch, a log that comes at once would lose windows that it keeps when it comes day by day.
        """
        if not cells:
            return _Merged([], {})
        # an event may be ahead of its record; its day is known when this is
        self._calendars.require(max(cell.start for cell in cells) - SETTLED_MS)
        minutes = deltas(cells)
        additions = widened(minutes, self._rules.days_of)
        known = lane.open | await self._store.load(tx, additions.keys() - lane.open.keys())
        past = [key for key in additions if key not in known and is_past(key, before_ms, self._rules.keep)]
        journal.append(self._store.encoded(added(minutes, self._rules.days_of, late, past)))
        for key in past:
            del additions[key]
        to_closed = {
            key: counters(each)
            for key, each in additions.items()
            if key.length_s == FIVE_MINUTES_S and key in known and known[key].closed
        }
        touched = list(merge(known, additions, late))
        lane.open |= {bucket.key: bucket for bucket, _ in touched if not bucket.closed}
        return _Merged(touched, to_closed)
