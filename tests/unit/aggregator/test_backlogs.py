"""What combine takes from a backlog at once: as much as windows has the time for in a transaction."""

from datetime import timedelta

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import TALLY
from proofwatch.events.types import Tally
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from proofwatch.runtime.clock import SimulatedClock
from services.aggregator import app
from tests.integration.aggregator.traffic import START, records, verdict

COUNTS = dict.fromkeys((spec.name for spec in topics.kafka_specs()), 1)


async def test_a_backlog_of_a_quiet_day_is_many_tallies() -> None:
    """480 verdicts, one each three minutes: 100 in a tally and not all of them; each tally moves time by its part."""
    told = await _tallies(480, timedelta(minutes=3))
    assert [(each.position_before, each.position_after) for each in told] == [
        (0, 100),
        (100, 200),
        (200, 300),
        (300, 400),
        (400, 480),
    ]
    ends = [ms_of(START + timedelta(minutes=3 * (each.position_after - 1))) for each in told]
    assert [each.progress_at for each in told] == ends


async def test_a_backlog_of_a_busy_hour_is_a_tally_for_each_quarter_of_an_hour() -> None:
    """900 verdicts, one each four seconds."""
    told = await _tallies(900, timedelta(seconds=4))
    assert [each.position_after for each in told] == [225, 450, 675, 900]


async def test_dense_traffic_is_one_tally_for_as_many_as_are_there() -> None:
    """600 verdicts in a minute."""
    assert [each.position_after for each in await _tallies(600, timedelta(seconds=0.1))] == [600]


async def _tallies(verdicts: int, apart: timedelta) -> list[Tally]:
    clock = SimulatedClock(ms_of(START + verdicts * apart))
    bus = LocalBus(COUNTS, clock)
    await bus.publish(list(records([verdict(n, START + n * apart) for n in range(verdicts)], 1)))
    service = app.build_combine(app.Settings(live_progress=False), bus, load_policy(), clock)
    await service.start()
    while await service.step():
        pass
    await service.stop()
    return [TALLY.decode(each.value) async for each in bus.read(TopicPartition(topics.TALLIES, 0))]
