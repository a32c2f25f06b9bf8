"""The scorer as its process runs it, on the in-process bus."""

import pytest

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events.topics import GUIDANCE, SUSPICIONS, TRANSACTIONS, VERDICTS, dead_letter_topic
from proofwatch.runtime.clock import SimulatedClock
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.app import CO_PARTITIONED, GROUP, Settings, build
from services.scorer.core.conservation import Conservation
from tests.unit.scorer.samples import POLICY, START_MS, record, transaction

PARTITIONS = 3


def local_bus(clock: SimulatedClock) -> LocalBus:
    topics = (*CO_PARTITIONED, dead_letter_topic(TRANSACTIONS))
    return LocalBus(dict.fromkeys(topics, PARTITIONS), clock)


async def everything(bus: LocalBus) -> list[tuple[str, Record]]:
    topics = (*CO_PARTITIONED[1:], dead_letter_topic(TRANSACTIONS))
    places = [(topic, TopicPartition(topic, p)) for topic in topics for p in range(PARTITIONS)]
    return [(topic, r) for topic, place in places async for r in bus.read(place)]


async def test_what_upstream_publishes_is_decided_and_accounted_for() -> None:
    """Keys stay on their partition, positions move, and the account balances."""
    clock, conservation = SimulatedClock(START_MS), Conservation()
    bus = local_bus(clock)
    service = build(Settings(batch_max_records=7), bus, MemorySubjects(3600), POLICY, clock, observer=conservation)
    events = [transaction(n % 45, f"s{n % 5}", liveness_score=0.2 if n % 5 == 0 else 0.999) for n in range(50)]
    sent = [Outgoing(TRANSACTIONS, r.key, r.value, None, START_MS) for r in map(record, range(50), events)]
    await bus.publish([*sent, Outgoing(TRANSACTIONS, b"k", b"{", None, START_MS)])
    await service.start()
    while await service.step():
        pass
    assert await bus.positions(GROUP, TRANSACTIONS) == await bus.ends(TRANSACTIONS)
    assert not service.unready()
    totals = conservation.totals()
    assert totals == (51, 45, 5, 1)
    assert totals.holds
    topics = [topic for topic, _ in await everything(bus)]
    assert [topics.count(topic) for topic in (VERDICTS, GUIDANCE, SUSPICIONS)] == [
        45,
        9,
        15,
    ]
    await service.stop()


async def test_a_service_that_takes_over_writes_what_the_first_would_have_written() -> None:
    """A restart at any position shows nowhere on the log."""
    logs = []
    for steps_before_restart in (99, 2):
        clock, attempts = SimulatedClock(START_MS), MemorySubjects(10**6)
        bus = local_bus(clock)
        events = [transaction(n % 33, f"s{n % 3}", n, match_score=0.2) for n in range(40)]
        records = [record(n, event) for n, event in enumerate(events)]
        await bus.publish([Outgoing(TRANSACTIONS, r.key, r.value, None, r.timestamp_ms) for r in records])
        for steps in (steps_before_restart, 99):
            service = build(Settings(batch_max_records=5), bus, attempts, POLICY, clock)
            await service.start()
            for _ in range(steps):
                await service.step()
            await service.stop()
        logs.append(await everything(bus))
    assert logs[0] == logs[1]


@pytest.mark.parametrize(("ahead_s", "refused"), [(60, 1), (61, 0)])
async def test_how_far_a_stamp_may_be_ahead_is_the_operators_to_say(ahead_s: int, refused: int) -> None:
    """The setting reaches the stage; what is refused has its dead letter."""
    clock = SimulatedClock(START_MS)
    bus = local_bus(clock)
    service = build(Settings(time_ahead_seconds=ahead_s), bus, MemorySubjects(3600), POLICY, clock)
    sent = record(0, transaction(0, "s0"))
    await bus.publish([Outgoing(TRANSACTIONS, sent.key, sent.value, None, START_MS + 60_001)])
    await service.start()
    while await service.step():
        pass
    topics = [topic for topic, _ in await everything(bus)]
    assert (topics.count(VERDICTS), topics.count(f"{TRANSACTIONS}.dlq")) == (1 - refused, refused)
    await service.stop()
