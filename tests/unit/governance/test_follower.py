"""A follower knows how far it knows: the scorer waits for it, and never judges by what may have changed."""

import asyncio
from collections.abc import Sequence

import pytest

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.port import CaughtUp
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.governance.follower import Follower, ReplicaBehind
from proofwatch.governance.replica import Replica
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.governance.scene import KEYRING, LEAD_MS, Log, activation, control, policy

T0 = 1_000_000_000_000
SKEW_MS = 5_000


class World:
    """A bus whose clock is ours, and a follower on it."""

    def __init__(self) -> None:
        self.clock = SimulatedClock(T0)
        self.replica = Replica(KEYRING, LEAD_MS)
        self.bus = LocalBus(dict.fromkeys(self.replica.topics, 1), self.clock)
        self.follower = Follower(self.bus, self.replica, self.clock, skew_ms=SKEW_MS)

    async def publish(self, log: Log) -> None:
        await self.bus.publish([Outgoing(topic, r.key, r.value, 0, r.timestamp_ms) for topic, r in log.records])


async def test_it_reads_everything_at_its_start_and_follows_by_steps() -> None:
    """What an activation changes is seen from its time on, and not before."""
    world, log = World(), Log()
    document = log.approved(policy(0.9), T0)
    await world.publish(log)
    await world.follower.start()
    assert world.replica.documents.usable_since("policy", document.hash) == T0
    later = Log()
    later.put(activation(document, "*", T0 + LEAD_MS), T0)
    await world.publish(later)
    assert not world.replica.at(T0 + LEAD_MS).policies
    assert await world.follower.step() == 1
    assert await world.follower.step(idle=True) == 0
    assert not world.replica.at(T0 + LEAD_MS - 1).policies
    assert world.replica.at(T0 + LEAD_MS).policies["*"].hash == document.hash


async def test_it_requires_to_have_looked_late_enough() -> None:
    """Known is what a look has seen plus the lead, less the skew; a record beyond waits for the next look."""
    world = World()
    with pytest.raises(ReplicaBehind, match="nothing is known"):
        world.follower.require(0)
    await world.follower.start()
    known = T0 + LEAD_MS - SKEW_MS
    world.follower.require(known - 1)
    with pytest.raises(ReplicaBehind, match=f"known up to {known}"):
        world.follower.require(known)
    assert not world.follower.unready()
    world.clock.advance_to(known)
    assert world.follower.unready()
    await world.follower.step()
    world.follower.require(known)
    assert not world.follower.unready()
    await world.follower.stop()
    with pytest.raises(ReplicaBehind):
        world.follower.require(0)
    assert world.follower.unready()


class Broken:
    """A tail that answers what it is told to."""

    def __init__(self, answers: Sequence[CaughtUp | Exception]) -> None:
        self.answers = list(answers)
        self.stopped = 0
        self.behind: Sequence[tuple[TopicPartition, int]] = ()

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped += 1

    async def catch_up(self, timeout_s: float) -> CaughtUp:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_open_transaction_or_a_broker_away_makes_it_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known beyond the last complete look; it goes on by itself when the broker is back."""
    world = World()
    tail = Broken([CaughtUp([], True), CaughtUp([], False), BusUnavailable("away"), BusUnavailable("away"),
                   CaughtUp([], True)])  # fmt: skip
    monkeypatch.setattr(world.bus, "tail", lambda topics: tail)
    world.follower = Follower(world.bus, world.replica, world.clock, every_s=0.001, skew_ms=SKEW_MS)
    await world.follower.start()
    known = world.follower.known_until_ms
    world.clock.advance_to(T0 + LEAD_MS)
    await world.follower.step()
    with pytest.raises(BusUnavailable):
        await world.follower.step()
    assert world.follower.known_until_ms == known
    running = asyncio.create_task(world.follower.run())
    async with asyncio.timeout(10):
        while world.follower.unready():  # noqa: ASYNC110
            await asyncio.sleep(0)
    await world.follower.stop()
    await world.follower.stop()
    await running
    assert tail.stopped == 1


async def test_it_does_not_start_behind_an_open_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that cannot know is an error with the topics' names."""
    world = World()
    monkeypatch.setattr(world.bus, "tail", lambda topics: Broken([CaughtUp([], False)]))
    with pytest.raises(ReplicaBehind, match=topics.CONTROLS):
        await world.follower.start()


def test_a_lead_that_is_used_up_stops_start_up() -> None:
    """Or the scorer would pause for ever."""
    world = World()
    with pytest.raises(ValueError, match="leaves nothing"):
        Follower(world.bus, Replica(None, 6_000), world.clock, every_s=1.0, skew_ms=5_000)


async def test_what_is_refused_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """With topic, offset and reason."""
    world, log = World(), Log()
    log.put(control(T0), T0, key=b"another")
    await world.publish(log)
    await world.follower.start()
    again = Log(ends={topics.CONTROLS: 1})
    again.put(control(T0), T0)
    await world.publish(again)
    await world.follower.step()
    said = capsys.readouterr().out
    assert said.count("governance_refused") == 1
    assert "wrong_key" in said


def test_it_looks_often_enough_for_the_lead() -> None:
    """With the default lead every five seconds; a shorter one has looks to spare too."""
    bus, clock = LocalBus({}, SimulatedClock(0)), SimulatedClock(0)
    every_s = {
        lead_s: GovernanceSettings(governance_lead_seconds=lead_s).follower(bus, clock)._every_s
        for lead_s in (10.0, 24.0, 60.0, 3_600.0)
    }
    assert every_s == {10.0: 1.0, 24.0: 2.0, 60.0: 5.0, 3_600.0: 5.0}
