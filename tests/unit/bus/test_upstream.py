"""How far time may move behind a group that is down, behind, or held up."""

import asyncio

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.lanes.upstream import Upstream, WorkedOff
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.port import GroupProgress
from proofwatch.bus.records import Outgoing
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import until


def test_a_group_that_is_at_the_end_lets_time_follow_the_looks() -> None:
    """Up to when the last look began that had ended before what was seen."""
    found = WorkedOff()
    assert found.until_ms(10_000) is None
    found.note(1_000, GroupProgress(5, 5), 1_010)
    found.note(2_000, GroupProgress(5, 5), 2_010)
    assert found.until_ms(1_009) is None, "what it wrote before that look may not have been seen"
    assert [found.until_ms(ms) for ms in (1_010, 2_009, 2_010, 9_000)] == [1_000, 1_000, 2_000, 2_000]


def test_a_group_that_is_always_a_little_behind_lets_time_follow_at_that_distance() -> None:
    """Under load it is never at the end; what it has reached is the end of an earlier look."""
    found = WorkedOff()
    for second in range(1, 9):
        found.note(second * 1_000, GroupProgress(second * 500 - 700, second * 500), second * 1_000 + 5)
    assert found.until_ms(60_000) == 6_000


def test_a_group_that_stands_still_holds_time_where_it_was() -> None:
    """However many looks there are, and it goes on when the group has caught up."""
    found = WorkedOff()
    found.note(1_000, GroupProgress(5, 5), 1_001)
    for second in range(2, 5_000):
        found.note(second * 1_000, GroupProgress(5, 5 + second), second * 1_000)
    assert found.until_ms(10_000_000) == 1_000
    found.note(5_000_000, GroupProgress(5 + 4_999, 5 + 5_000), 5_000_001)
    assert 4_990_000 <= (found.until_ms(10_000_000) or 0) <= 4_999_000


async def test_a_bus_that_is_away_is_borne_and_said(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Time stands still, `/ready` says why, and the next look that succeeds takes it back."""
    monkeypatch.setattr("proofwatch.bus.lanes.upstream._EVERY_S", 0.0)
    away = True

    class Away(LocalBus):
        async def read_progress(self, group: str, topic: str) -> dict[int, GroupProgress]:
            if away:
                raise BusUnavailable("Kafka does not answer at k:1")
            return await super().read_progress(group, topic)

    clock = SimulatedClock(7_000)
    upstream = Upstream(Away({"in": 1}, clock), "g", "in", clock)
    watch = asyncio.create_task(upstream.watch())
    await until(lambda: upstream.unready() == ["how far group g is in in cannot be seen: Kafka does not answer at k:1"])
    assert upstream.at(0)(60_000) is None
    away = False
    await until(lambda: not upstream.unready())
    assert upstream.at(0)(60_000) == 7_000
    watch.cancel()


async def test_a_record_that_was_not_worked_off_holds_its_partition_alone() -> None:
    """Until the group's commit."""
    clock = SimulatedClock(1_000)
    bus = LocalBus({"in": 2}, clock)
    upstream = Upstream(bus, "g", "in", clock)
    await upstream.look()
    await bus.publish([Outgoing("in", b"k", b"v", 0)])
    clock.advance_to(9_000)
    await upstream.look()
    assert (upstream.at(0)(9_000), upstream.at(1)(9_000)) == (1_000, 9_000)
