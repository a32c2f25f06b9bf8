"""A tenant beyond its cap is told of by a platform alert: begun once, ended once, whatever fails in between."""

from itertools import count

import pytest

from proofwatch.bus.dead_letters.alerts import CONCERNS
from proofwatch.bus.dead_letters.cap import Cap
from proofwatch.bus.dead_letters.limit import DeadLetterLimit
from proofwatch.bus.lanes.lane import Lane, LaneSettings
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events.codec import PLATFORM_ALERT
from proofwatch.events.topics import PLATFORM_ALERTS
from proofwatch.events.types import PlatformAlert
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Picky, Unreliable

CLOCK = SimulatedClock(1_000)
AT = TopicPartition("in", 0)
READERS = count()
CAP = Cap(0.0, 5, by_tenant=True)


async def bus_of(*tenants: tuple[str, bytes, int]) -> Unreliable:
    """A bus with records: of a tenant, with a value, so many times."""
    bus = Unreliable({"in": 1, "out": 1, "in.dlq": 1, PLATFORM_ALERTS: 1}, CLOCK)
    await more(bus, *tenants)
    return bus


async def more(bus: LocalBus, *tenants: tuple[str, bytes, int]) -> None:
    records = [Outgoing("in", f"{who}/s".encode(), value, 0, 1_000) for who, value, n in tenants for _ in range(n)]
    await bus.publish(records)


async def lane_on(bus: LocalBus) -> Lane[None]:
    """A lane as a new process would make it."""

    async def nothing(partitions: frozenset[TopicPartition]) -> None: ...

    consumer = bus.consumer(f"reader-{next(READERS)}", ["in"])
    await consumer.start(nothing, nothing)
    return Lane(
        AT,
        consumer,
        bus.fence("picky"),
        DeadLetterLimit(Picky(), CAP, "picky", bus),
        LaneSettings(max_records=4),
        CLOCK,
    )


async def worked(lane: Lane[None]) -> None:
    while await lane.step():
        pass


async def told(bus: LocalBus) -> list[tuple[str, PlatformAlert]]:
    records = [record async for record in bus.read(TopicPartition(PLATFORM_ALERTS, 0))]
    return [(dict(r.headers)[CONCERNS].decode(), PLATFORM_ALERT.decode(r.value or b"")) for r in records]


async def test_a_tenant_beyond_its_cap_is_told_once_and_nobody_halts() -> None:
    """Where, whose, how many; the alert goes to the notifier's topic with the batch that brought the tenant there."""
    bus = await bus_of(("acme", b"bad", 9), ("kestrel", b"good", 3), ("acme", b"bad", 4))
    await worked(await lane_on(bus))
    ((concerns, alert), *more_of_it) = await told(bus)
    assert concerns == "picky/in/0/acme"
    assert (alert.state, alert.service, alert.kind) == ("firing", "picky", "dead_letters")
    assert "in/0" in alert.summary
    assert "acme" in alert.summary
    assert await bus.positions("picky", "in") == {0: 16}
    assert [each.state for _, each in more_of_it] in ([], ["resolved"])


async def test_it_ends_when_the_tenant_is_within_its_cap_again() -> None:
    """Under the id under which it began."""
    bus = await bus_of(("acme", b"bad", 8), ("acme", b"good", 8))
    await worked(await lane_on(bus))
    assert [(each.state, each.alert_id) for _, each in await told(bus)] == [
        ("firing", (first := (await told(bus))[0][1].alert_id)),
        ("resolved", first),
    ]


@pytest.mark.parametrize("fails", [1, 2, 5])
async def test_a_batch_that_comes_again_tells_nothing_twice(fails: int) -> None:
    """The alert is in the act that the records are in."""
    bus = await bus_of(("acme", b"bad", 8))
    lane = await lane_on(bus)
    await lane.step()
    bus.fails = fails
    for _ in range(fails):
        with pytest.raises(ConnectionError):
            await lane.step()
    await worked(lane)
    assert [each.state for _, each in await told(bus)] == ["firing"]


async def test_a_process_that_starts_anew_goes_on_with_the_alert_that_stands() -> None:
    """No second beginning; and the end has the id of the beginning."""
    bus = await bus_of(("acme", b"bad", 8))
    lane = await lane_on(bus)
    await worked(lane)
    await lane.close()
    await more(bus, ("acme", b"bad", 4), ("acme", b"good", 4))
    await worked(await lane_on(bus))
    alerts = [each for _, each in await told(bus)]
    assert [each.state for each in alerts] == ["firing", "resolved"]
    assert len({each.alert_id for each in alerts}) == 1
