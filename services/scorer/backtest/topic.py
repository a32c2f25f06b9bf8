"""A topic as a source: committed records only, up to the end that each partition has at the start."""

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from typing import Final

from proofwatch.bus.port import Bus
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import LABEL, TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from services.scorer.backtest.arrivals import ALWAYS, Accounts, Arrival, Counted, Kind, Period, Truths
from services.scorer.backtest.player import LAG_MS

GROUP: Final = "backtest"  # never joined: only the view of what lies before a position is used


class TopicSource:
    """Transactions of a topic, partition after partition, with the labels of the labels topic."""

    kind: Kind = "topic"
    attempts: Counted = "counted"

    def __init__(
        self,
        bus: Bus,
        policies: Sequence[Policy],
        *,
        topic: str = topics.TRANSACTIONS,
        labels: str = topics.LABELS,
        tenant: str | None = None,
        period: Period = ALWAYS,
        wire: Wire = JSON,
        restricted: Callable[[str], bool] = lambda subject_ref: False,
    ) -> None:
        """`tenant` None: all of them. What lies before the period is read as far as attempts and repeats reach.

        `restricted`: whether nothing of a subject is used (GDPR Art. 18); they are counted as refused.
        """
        self.accounts = Accounts()
        self.total: int | None = None
        self.done = 0
        self._bus = bus
        self._topic = topic
        self._labels = labels
        self._tenant = tenant
        self._wire, self._restricted = wire, restricted
        self._transaction, self._label = wire.decoder(TRANSACTION), wire.decoder(LABEL)
        self._since_ms = _look_back(policies, period)

    async def batches(self) -> AsyncIterator[tuple[int, Sequence[Arrival]]]:
        """Yield each partition's arrivals in log order. Raises `UnknownTopic`, `BusUnavailable`."""
        ends = await self._bus.ends(self._topic)
        truths = await self._truths()
        self.total, before = sum(ends.values()), 0
        for at, end in sorted(ends.items()):
            history = self._bus.consumer(GROUP, [self._topic]).history(TopicPartition(self._topic, at), end)
            async for records in history.since(self._since_ms):
                await self._wire.prepare(record.value for record in records)
                yield at, self._arrivals(records, truths)
                self.done = before + records[-1].offset + 1
            before += end
            self.done = before

    async def _truths(self) -> Truths:
        truths = Truths()
        ends = await self._bus.ends(self._labels)
        wanted = None if self._tenant is None else f"{self._tenant}/".encode()
        for at, end in sorted(ends.items()):
            history = self._bus.consumer(GROUP, [self._labels]).history(TopicPartition(self._labels, at), end)
            async for records in history.since(0):
                await self._wire.prepare(record.value for record in records)
                for record in records:
                    if wanted is None or (record.key or b"").startswith(wanted):
                        try:
                            truths.add(self._label(record.value))
                        except Rejected:
                            continue  # the ledger dead-letters it
        return truths

    def _arrivals(self, records: Sequence[Record], truths: Truths) -> list[Arrival]:
        accounts, known = self.accounts, bool(truths)
        wanted = None if self._tenant is None else f"{self._tenant}/".encode()
        arrivals = []
        accounts.read += len(records)
        for record in records:
            if wanted is not None and not (record.key or b"").startswith(wanted):
                accounts.other_tenants += 1
                continue
            try:
                event = self._transaction(record.value)
            except Rejected as error:
                accounts.refused[error.reason] += 1
                continue
            key = f"{event.tenant}/{event.subject_ref}"
            if record.key != key.encode():
                accounts.refused["key_mismatch" if record.key else "missing_key"] += 1
                continue
            if self._restricted(event.subject_ref):
                accounts.refused["processing_restricted"] += 1
                continue
            truth = truths.of(event.tenant, event.transaction_id) if known else None
            arrivals.append(Arrival(record.offset, record.timestamp_ms, key, record.value or b"", event, truth))
        return arrivals


def _look_back(policies: Sequence[Policy], period: Period) -> int:
    """Return the log time from which on everything must be seen that the period depends on."""
    if period.since is None:
        return 0
    reach_ms = max(
        timedelta(hours=policy.attempts.window_hours, minutes=policy.duplicate_horizon_minutes)
        // timedelta(milliseconds=1)
        + policy.max_ahead_seconds * 1000
        for policy in policies
    )
    return max(0, round(period.since.timestamp() * 1000) - reach_ms - LAG_MS)
