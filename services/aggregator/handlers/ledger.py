"""The ledger's stage: decode, join, count, and publish the labelled days that are due."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import structlog

from proofwatch.bus.records import Batch, Outgoing, Output, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import topics
from proofwatch.events.codec import VERDICT, LabelCodec
from proofwatch.events.mending import MENDED
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from proofwatch.instants import instant_of
from services.aggregator.core.calendars import Calendars, DaysOf
from services.aggregator.core.entries import Key, fold
from services.aggregator.core.labelled import Deltas, WindowKey
from services.aggregator.core.labelled_days import Closed, Schedule, least_progress
from services.aggregator.core.labelled_intake import label_entry, verdict_entry
from services.aggregator.core.log_end import Heard, goes_on
from services.aggregator.core.people import KEPT_MONTHS, month_number, months_of, salting
from services.aggregator.core.retention import EVERY_MS, Agreed, kept_from, nothing_agreed
from services.aggregator.core.times import HOUR_MS
from services.aggregator.handlers.erased import Arrivals, Erased, NobodyErased, subject_of
from services.aggregator.handlers.first_use import load_statistics
from services.aggregator.handlers.labelled_days import LabelledDays
from services.aggregator.handlers.promised_limits import PromisedLimits
from services.aggregator.ports.ledger import LedgerStores

SCHEMA: Final = "ledger"
TOPICS: Final = (topics.VERDICTS, topics.LABELS)
_REMOVED_AT_ONCE: Final = 2_000
_WINDOWS_PER_STEP: Final = 1_000
_DAY_MS: Final = 24 * HOUR_MS

_log = structlog.get_logger(__name__)
Partitions = Callable[[str], Awaitable[int]]


class LedgerStage:
    """Joins verdicts and labels, whichever comes first; one instance for all lanes of a process."""

    def __init__(
        self,
        policy: Policy,
        schedule: Schedule,
        partitions: Partitions,
        stores: LedgerStores,
        calendars: Calendars,
        thresholds: Sequence[float] = (),
        wire: Wire = JSON,
        *,
        keep_ms: int = 0,
        agreed: Agreed = nothing_agreed,
        heard: Heard = goes_on,
        erased: Erased = NobodyErased(),  # noqa: B008 - it keeps nothing
    ) -> None:
        """`partitions` gives a topic's partition count; `calendars`: those of the tenants.

        `thresholds` are further edges of every score sketch.

        `keep_ms`: how long a transaction is kept after its verdict was logged, where its tenant's contract does not
        say it (`agreed`); 0: for ever. `heard`: where a log that has an end ends. `erased`: what becomes of what comes
        late of people who were erased.
        """
        self._keep_ms = keep_ms
        self._agreed = agreed
        self._heard = heard
        self._erased = erased
        self._tidy_at_ms = 0
        self._calendars = calendars
        self._days_of: DaysOf | None = None
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
        self._clean: Closed | None = None
        """What is closed and published, as far as this process knows."""
        self._next_ms = 0
        self._seen: dict[TopicPartition, int] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Learn which lanes there are. Whatever was thought to be published may have been rolled back: look again."""
        load_statistics()
        counts = [(topic, await self._partitions(topic)) for topic in TOPICS]
        self._expected = tuple(TopicPartition(topic, number) for topic, count in counts for number in range(count))
        self._clean = None
        self._seen.pop(source, None)

    async def closed(self, source: TopicPartition) -> None:
        """Forget how far the lane had come."""
        self._seen.pop(source, None)

    async def step(self, batch: Batch, tx: Any) -> Sequence[Output]:
        """Apply the batch; return rejections, then the labelled days that are due and their anomalies.

        Raises `ReplicaBehind` while a calendar may not be known that was in force by the batch's time.
        """
        self._calendars.require(batch.progress_ms or 0)
        if self._days_of is None:
            self._days_of = self._calendars.days_of(await self._ledger.calendars_since(tx))
        days_of = self._days_of
        if batch.source not in self._seen:
            self._seen[batch.source] = (await self._ledger.progress(tx)).get(batch.source) or 0
        rejections, arrivals, subjects = self._read(batch, self._seen[batch.source])
        self._seen[batch.source] = max(self._seen[batch.source], batch.progress_ms or 0)
        if arrivals:
            await self._joins.prepare(tx)
            heard = arrivals
            if batch.source.topic == topics.LABELS:
                arrivals = await self._erased.labels(arrivals, tx)
            await self._unname(arrivals, days_of, tx)
            changed = await self._join(batch.source.topic, arrivals, heard, days_of, tx)
            if subjects:
                await self._erased.verdicts(arrivals, subjects, tx)
            if self._clean and any(each.day <= self._clean.of(each.tenant) for each in changed):
                self._clean = None
        due = await self._publish_due(batch, days_of, tx)
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
        await self._joins.forget_salts(tx, month_number(progress_ms // _DAY_MS) - KEPT_MONTHS)
        self._tidy_at_ms = progress_ms + (0 if sum(removed.values()) == _REMOVED_AT_ONCE else EVERY_MS)
        for tenant, rows in removed.items():
            before = instant_of(before_ms[tenant]).isoformat()
            _log.info("transactions_removed", tenant=tenant, rows=rows, logged_before=before)

    def _read(self, batch: Batch, seen_ms: int) -> tuple[list[Rejection], Arrivals, dict[Key, str]]:
        """Return rejections, by key the entries with how far the lane had come in time with each, and of verdicts
        whose they are.
        """
        verdicts = batch.source.topic == topics.VERDICTS
        rejections: list[Rejection] = []
        arrivals: Arrivals = {}
        subjects: dict[Key, str] = {}
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
                if verdicts:
                    subjects[read[0]] = subject_of(record, read[0][0])
        MENDED.update({("label", field): count for field, count in self._labels.mended.items()})
        self._labels.mended.clear()
        return rejections, arrivals, subjects

    async def _unname(self, arrivals: Arrivals, days_of: DaysOf, tx: Any) -> None:
        """Give every trial the number of its person in its month, in place of one that says who they are."""
        trials = [(key[0], entry.trial) for key, found in arrivals.items() for entry, _ in found if entry.trial]
        if not trials:
            return
        salted = salting(await self._joins.salts(tx, months_of(trials, days_of)), days_of)
        for key, found in arrivals.items():
            found[:] = [
                (entry._replace(trial=salted(key[0], entry.trial)) if entry.trial else entry, seen_ms)
                for entry, seen_ms in found
            ]

    async def _join(self, topic: str, arrivals: Arrivals, heard: Arrivals, days_of: DaysOf, tx: Any) -> set[WindowKey]:
        """Return the labelled windows of which something changed; `heard`: also what came and is not joined."""
        join = self._joins.join_verdicts if topic == topics.VERDICTS else self._joins.join_labels
        schedule = self._schedule
        deltas = Deltas(
            self._thresholds, lambda tenant, seen_ms: schedule.known_on(seen_ms, days_of(tenant)), days_of=days_of
        )
        entries = ((key, entry) for key, arrived in arrivals.items() for entry, _ in arrived)
        for key, old, _ in await join(tx, fold(entries)):
            entry = old
            for another, seen_ms in arrivals[key]:  # one by one: what was known in between counts for that time
                before, entry = entry, entry.join(another)
                deltas.change(key[0], before, entry, seen_ms)
        if topic == topics.LABELS:
            for (tenant, _), arrived in heard.items():
                for _, seen_ms in arrived:
                    deltas.count_label(tenant, seen_ms)
        deltas.settle()
        live = {
            window
            for window, at_ms in deltas.seen.items()
            if not schedule.backfill(window.day, at_ms, days_of(window.tenant))
        }
        changed = await self._ledger.apply(tx, deltas, live, days_of)
        await self._limits.add(tx, deltas.limits)
        return changed

    async def _publish_due(self, batch: Batch, days_of: DaysOf, tx: Any) -> list[Outgoing]:
        """Close and restate what is due, unless this process knows that nothing is.

        It knows while no lane's progress closes a further day and no batch touches a closed one: whoever touches it
        tries at once, and again if another process is at it.
        """
        own_ms = batch.progress_ms
        if own_ms is None or (self._clean and own_ms < self._next_ms):
            return []
        known = {**await self._ledger.progress(tx), batch.source: own_ms}
        progress_ms = least_progress(known.get(source) for source in self._expected)
        if progress_ms is None or (self._clean and progress_ms < self._next_ms):
            return []
        if not await self._ledger.sole_publisher(tx):
            self._clean = None
            return []
        days = {tenant: days_of(tenant) for tenant in self._calendars.tenants()}
        schedule, others = self._schedule, days_of("")
        own = {tenant: schedule.last_closed(progress_ms, each) for tenant, each in days.items()}
        closed = Closed(schedule.last_closed(progress_ms, others), own)
        due = await self._ledger.take_due(tx, closed, _WINDOWS_PER_STEP)
        found, judged = await self._promises.judge(closed, days_of, own_ms, self._heard(), tx)
        every = len(due) < _WINDOWS_PER_STEP
        self._clean = closed if judged and every else None
        self._next_ms = min(schedule.closes_next(progress_ms, each) for each in (others, *days.values()))

        def until(tenant: str) -> int:
            """Return up to when a tenant is judged: what lies beyond the windows that were taken is not yet."""
            day = closed.of(tenant) if every else min(closed.of(tenant), due[-1].key.day - 1)
            return days_of(tenant).numbered(day).end_ms

        return [*await self._days.publish(due, own_ms, until, self._heard(), days_of, tx), *found]
