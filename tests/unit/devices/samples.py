"""Transactions of handsets, their records, and what both stages make of them in one process."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.detection.velocity import MINUTE_MS
from proofwatch.events.codec import SUSPICION, TRANSACTION
from proofwatch.events.topics import DEVICE_PROOFS, SUSPICIONS, TRANSACTIONS, dead_letter_topic
from proofwatch.events.types import Device, Suspicion, Transaction
from proofwatch.governance.policy import Policy, SuspicionRule, VelocityRule, load_policy
from proofwatch.runtime.clock import SimulatedClock
from services.devices import app

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
START_MS = 1_768_464_000_000
TOPICS = {TRANSACTIONS: 1, DEVICE_PROOFS: 2, SUSPICIONS: 3, dead_letter_topic(DEVICE_PROOFS): 2}


def policy(*rules: tuple[int, int]) -> Policy:
    """The default policy with these device velocity rules: (window in minutes, limit)."""
    given = tuple(VelocityRule(window_minutes=minutes, limit=limit) for minutes, limit in rules)
    return load_policy().model_copy(update={"suspicion": SuspicionRule(device_velocity=given)})


POLICY = policy((10, 3), (30, 5))


def transaction(number: int, device: str | None = "d", at_min: float = 0.0, **fields: Any) -> Transaction:
    """A transaction of a subject of its own at a handset; `at_min`: minutes of occurred_at after START."""
    given: dict[str, Any] = {"tenant": "acme", "subject_ref": f"s-{number}", "match_score": 0.95} | fields
    return Transaction(
        schema_version=1,
        transaction_id=f"tx-{number}",
        occurred_at=START + timedelta(minutes=at_min),
        device=Device(ref=device, model="Pixel 3"),
        **given,
    )


def outgoing(event: Transaction, logged_ms: int | None = None) -> Outgoing:
    """The record as upstream publishes it; by default it is appended when it occurred."""
    when_ms = round(event.occurred_at.timestamp() * 1000) if logged_ms is None else logged_ms
    key = f"{event.tenant}/{event.subject_ref}".encode()
    return Outgoing(TRANSACTIONS, key, TRANSACTION.encode(event), 0, when_ms)


def later(minutes: float) -> int:
    return START_MS + round(minutes * MINUTE_MS)


class Alone:
    """The service on a bus in this process."""

    def __init__(self, given: Policy = POLICY, max_records: int = 2_000) -> None:
        self.clock = SimulatedClock(START_MS)
        self.bus = LocalBus(TOPICS, self.clock)
        self._policy = given
        self._settings = app.Settings(batch_max_records=max_records)

    async def work(self, records: Iterable[Outgoing]) -> None:
        """Publish, and let a new service work until nothing is left; then it stops."""
        published = list(records)
        await self.bus.publish(published)
        self.clock.advance_to(max([record.timestamp_ms or 0 for record in published], default=0))
        service = app.build(self._settings, self.bus, self._policy, self.clock)
        await service.start()
        while await service.step():
            pass
        await service.stop()

    async def values(self, topic: str) -> list[bytes]:
        """Return what a topic holds, by partition and offset."""
        partitions = range(await self.bus.partitions(topic))
        return [r.value or b"" for p in partitions async for r in self.bus.read(TopicPartition(topic, p))]

    async def suspicions(self) -> list[Suspicion]:
        """Return the suspicions, by their time and id."""
        found = [SUSPICION.decode(value) for value in await self.values(SUSPICIONS)]
        return sorted(found, key=lambda each: (each.occurred_at, each.suspicion_id))


async def told(records: Sequence[Outgoing], given: Policy = POLICY) -> list[Suspicion]:
    """Return the suspicions of these records, worked on at once."""
    alone = Alone(given)
    await alone.work(records)
    return await alone.suspicions()
