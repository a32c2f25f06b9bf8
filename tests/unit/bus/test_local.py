"""What is particular to the in-process bus; the shared contract is in tests/contract."""

import pytest

from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Recording


async def drain(worker: Worker[None]) -> None:
    while await worker.step():
        pass


async def test_consumed_records_are_forgotten_when_the_bus_is_told_to() -> None:
    """Memory does not grow with the length of a run, but nothing is dropped that a group still needs."""
    clock = SimulatedClock()
    bus = LocalBus({"in": 1, "out": 1}, clock, forget_consumed=True)
    quick, slow = (
        Worker(bus, ["in"], bus.fence(group), Recording(), LaneSettings(), clock) for group in ("quick", "slow")
    )
    await quick.start()
    await slow.start()
    await bus.publish([Outgoing("in", b"k", b"v", 0)] * 30_000)
    await drain(quick)
    log = bus.log(TopicPartition("in", 0))
    assert len(log.records) == 30_000
    await drain(slow)
    assert len(log.records) < 10_000
    assert (await bus.ends("in"))[0] == 30_000
    await bus.publish([Outgoing("in", b"k", b"last", 0)])
    assert await quick.step() == 1
    assert (await bus.positions("quick", "in"))[0] == 30_001


async def test_publishing_is_all_or_nothing() -> None:
    """One record for a topic or partition that does not exist keeps the whole list out."""
    bus = LocalBus({"in": 1}, SimulatedClock())
    for bad in (Outgoing("nowhere", None, b"v"), Outgoing("in", None, b"v", 7)):
        with pytest.raises(Exception, match=r"does not exist|no partition 7"):
            await bus.publish([Outgoing("in", b"k", b"v"), bad])
    assert await bus.ends("in") == {0: 0}


async def test_records_without_a_key_are_spread_in_turn() -> None:
    """No partition starves when nothing has a key."""
    bus = LocalBus({"in": 3}, SimulatedClock())
    await bus.publish([Outgoing("in", None, b"v")] * 9)
    assert await bus.ends("in") == {0: 3, 1: 3, 2: 3}
