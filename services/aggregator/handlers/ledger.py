"""The ledger's stage: decode, join, count, and publish the labelled days that are due."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from proofwatch.bus.port import Batch, History, Outgoing, Output, Rejection, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import VERDICT, LabelCodec
from proofwatch.events.mending import MENDED
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from proofwatch.instants import instant_of
from services.aggregator.core.entries import Entry, Key, fold
from services.aggregator.core.labelled import Deltas
from services.aggregator.core.labelled_days import Schedule, least_progress
from services.aggregator.core.labelled_intake import label_entry, verdict_entry
from services.aggregator.core.retention import EVERY_MS, Agreed, kept_from, nothing_agreed
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.handlers.first_use import load_statistics
from services.aggregator.handlers.labelled_days import LabelledDays
from services.aggregator.handlers.promised_limits import PromisedLimits
from services.aggregator.ports import LedgerStores

SCHEMA: Final = "ledger"
TOPICS: Final = (topics.VERDICTS, topics.LABELS)
_REMOVED_AT_ONCE: Final = 2_000
_WINDOWS_PER_STEP: Final = 1_000

_log = structlog.get_logger(__name__)
Partitions = Callable[[str], Awaitable[int]]
Arrivals = dict[Key, list[tuple[Entry, int]]]


class LedgerStage:
    """Joins verdicts and labels, whichever comes first; one instance for all lanes of a process."""

    def __init__(
        self,
        policy: Policy,
        schedule: Schedule,
        partitions: Partitions,
        stores: LedgerStores,
        thresholds: Sequence[float] = (),
        wire: Wire = JSON,
        *,
        keep_ms: int = 0,
        agreed: Agreed = nothing_agreed,
    ) -> None:
        """`partitions` gives a topic's partition count; `thresholds` are further edges of every score sketch.

        `keep_ms`: how long a transaction is kept after its verdict was logged, where its tenant's contract does not
        say it (`agreed`); 0: for ever.
        """
        self._keep_ms = keep_ms
        self._agreed = agreed
        self._tidy_at_ms = 0
        self._catalogue = frozenset(policy.segments)
        self._schedule = schedule
        self._partitions = partitions
        self._thresholds = tuple(thresholds)
        self._labels = LabelCodec()  # its own, so that what it puts right is counted here
        self._verdict, self._label = wire.decoder(VERDICT), wire.decoder(self._labels)
        self._joins, self._ledger, self._limits = stores.joins, stores.ledger, stores.limits
        self._days = LabelledDays(policy, wire, stores)
        self._promises = PromisedLimits(policy, schedule.grace_hours * HOUR_MS, wire, stores)
        self._expected: tuple[TopicPartition, ...] = ()
        self._clean_day: int | None = None
        self._seen: dict[TopicPartition, int] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Learn which lanes there are. Whatever was thought to be published may have been rolled back: look again."""
        load_statistics()
        counts = [(topic, await self._partitions(topic)) for topic in TOPICS]
        self._expected = tuple(TopicPartition(topic, number) for topic, count in counts for number in range(count))
        self._clean_day = None
        self._seen.pop(source, None)

    async def closed(self, source: TopicPartition) -> None:
        """Forget how far the lane had come."""
        self._seen.pop(source, None)

    async def step(self, batch: Batch, tx: Any) -> Sequence[Output]:
        """Apply the batch; return rejections, then the labelled days that are due and their anomalies."""
        if batch.source not in self._seen:
            self._seen[batch.source] = (await self._ledger.progress(tx)).get(batch.source) or 0
        rejections, arrivals = self._read(batch, self._seen[batch.source])
        self._seen[batch.source] = max(self._seen[batch.source], batch.progress_ms or 0)
        if arrivals:
            await self._joins.prepare(tx)
            changed_day = await self._join(batch.source.topic, arrivals, tx)
            if self._clean_day is not None and changed_day is not None and changed_day <= self._clean_day:
                self._clean_day = None
        due = await self._publish_due(batch, tx)
        if batch.progress_ms is not None and batch.progress_ms >= self._tidy_at_ms:
            await self._forget(batch.progress_ms, tx)
        return [*rejections, *due]

    async def _forget(self, progress_ms: int, tx: Any) -> None:
        """Remove transactions that were kept for long enough, some at a time; look again in an hour of progress.

        While it is not known what contracts say, nothing is removed: one may say more than the platform's setting.
        """
        agreed_days = self._agreed(progress_ms)
        if agreed_days is None:
            return
        before_ms: Mapping[str, int] = {}
        if self._keep_ms or agreed_days:
            before_ms = kept_from(await self._joins.tenants(tx), progress_ms, self._keep_ms, agreed_days)
        removed = await self._joins.forget(tx, before_ms, _REMOVED_AT_ONCE)
        self._tidy_at_ms = progress_ms + (0 if sum(removed.values()) == _REMOVED_AT_ONCE else EVERY_MS)
        for tenant, rows in removed.items():
            before = instant_of(before_ms[tenant]).isoformat()
            _log.info("transactions_removed", tenant=tenant, rows=rows, logged_before=before)

    def _read(self, batch: Batch, seen_ms: int) -> tuple[list[Rejection], Arrivals]:
        """Return rejections, and by key the entries with how far the lane had come in time with each."""
        verdicts = batch.source.topic == topics.VERDICTS
        rejections: list[Rejection] = []
        arrivals: Arrivals = {}
        for record in batch.records:
            if record.timestamp_ms > seen_ms:
                seen_ms = record.timestamp_ms
            try:
                if verdicts:
                    read = verdict_entry(record.value, record.timestamp_ms, self._catalogue, self._verdict)
                else:
                    read = label_entry(record.value, record.timestamp_ms, self._label)
            except Rejected as rejected:
                rejections.append(Rejection.of(record, rejected))
            else:
                arrivals.setdefault(read[0], []).append((read[1], seen_ms))
        MENDED.update({("label", field): count for field, count in self._labels.mended.items()})
        self._labels.mended.clear()
        return rejections, arrivals

    async def _join(self, topic: str, arrivals: Arrivals, tx: Any) -> int | None:
        """Return the earliest day of which something labelled changed."""
        join = self._joins.join_verdicts if topic == topics.VERDICTS else self._joins.join_labels
        deltas = Deltas(self._thresholds, self._schedule.known_on)
        entries = ((key, entry) for key, arrived in arrivals.items() for entry, _ in arrived)
        for key, old, _ in await join(tx, fold(entries)):
            entry = old
            for another, seen_ms in arrivals[key]:  # one by one: what was known in between counts for that time
                before, entry = entry, entry.join(another)
                deltas.change(key[0], before, entry, seen_ms)
        if topic == topics.LABELS:
            for (tenant, _), arrived in arrivals.items():
                for _, seen_ms in arrived:
                    deltas.count_label(tenant, seen_ms)
        deltas.settle()
        live = {window for window, at_ms in deltas.seen.items() if not self._schedule.backfill(window.day, at_ms)}
        changed_day = await self._ledger.apply(tx, deltas, live)
        await self._limits.add(tx, deltas.limits)
        return changed_day

    async def _publish_due(self, batch: Batch, tx: Any) -> list[Outgoing]:
        """Close and restate what is due, unless this process knows that nothing is.

        It knows while no lane's progress closes a further day and no batch touches a closed one: whoever touches it
        tries at once, and again if another process is at it.
        """
        own_ms = batch.progress_ms
        if own_ms is None or (self._clean_day is not None and self._schedule.last_closed(own_ms) <= self._clean_day):
            return []
        known = {**await self._ledger.progress(tx), batch.source: own_ms}
        progress_ms = least_progress(known.get(source) for source in self._expected)
        if progress_ms is None:
            return []
        last_day = self._schedule.last_closed(progress_ms)
        if self._clean_day is not None and last_day <= self._clean_day:
            return []
        if not await self._ledger.sole_publisher(tx):
            self._clean_day = None
            return []
        due = await self._ledger.take_due(tx, last_day, _WINDOWS_PER_STEP)
        found, judged = await self._promises.judge(last_day, own_ms, tx)
        self._clean_day = last_day if judged and len(due) < _WINDOWS_PER_STEP else None
        # What lies beyond the windows that were taken is not judged yet.
        judged_day = last_day if len(due) < _WINDOWS_PER_STEP else due[-1].key.day - 1
        return [*await self._days.publish(due, own_ms, (judged_day + 1) * DAY_MS, tx), *found]
