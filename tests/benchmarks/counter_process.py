"""combine, alone or with windows: `python -m tests.benchmarks.counter_process combine|windows BOOTSTRAP EVENTS [DSN]`.

Wired by the product's own composition root. It measures itself as every contender does, and ends when everything that
it read is counted durably: by combine in published tallies, by windows in the database.
"""

import asyncio
import sys

import structlog
import uvloop

from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.kafka.fence import KafkaOwner
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Batch
from proofwatch.bus.stage import Stage
from proofwatch.events.topics import TALLIES
from proofwatch.governance.policy import load_policy
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.memory import tune_garbage_collector
from proofwatch.runtime.service import Service
from services.aggregator import app
from services.aggregator.core.calendars import EVERYBODY_IN_UTC
from tests.benchmarks.counting_process import SEGMENTS
from tests.benchmarks.peers.meter import Meter

_LOOK_S = 0.005
_ASK_EVERY = 200


async def main(kind: str, bootstrap: str, events: int, dsn: str = "") -> None:
    """Start, count, stop."""
    meter = Meter(events)
    _begin_with_first_batch(meter)
    settings, clock = app.Settings(kafka_bootstrap=bootstrap), SystemClock()
    policy = load_policy().with_segments(SEGMENTS)
    bus = KafkaBus(bootstrap, "benchmark-counter")
    await bus.start()
    services = [app.build_combine(settings, bus, policy, clock)]
    if kind == "windows":
        pool = await create_pool(dsn)
        windows = app.build_windows(settings, bus, pool, policy, clock, calendars=EVERYBODY_IN_UTC)
        services.append(windows.holding(pool.close))
    for service in services:
        await service.start()
    tune_garbage_collector()
    work = [asyncio.create_task(service.run()) for service in services]
    measured = asyncio.create_task(_measure(services, bus, meter))
    await asyncio.wait((*work, measured), return_when=asyncio.FIRST_COMPLETED)
    for each in work:
        if each.done():
            each.result()
            raise RuntimeError("a service ended by itself")
    measured.result()
    for each in work:
        each.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    for service in reversed(services):
        await service.stop()
    await bus.stop()


def _begin_with_first_batch(meter: Meter) -> None:
    """Start the clock when any lane has its first records in hand."""
    commit = KafkaOwner.commit

    async def begun(self: KafkaOwner, batch: Batch, stage: Stage[None]) -> None:
        if batch.records:
            meter.begin()
            KafkaOwner.commit = commit  # type: ignore[method-assign]  # once is enough
        await commit(self, batch, stage)

    KafkaOwner.commit = begun  # type: ignore[method-assign]


async def _measure(services: list[Service], bus: KafkaBus, meter: Meter) -> None:
    while not meter.add(_position(services[0]) - meter.done):  # noqa: ASYNC110 - no part of the product tells
        await asyncio.sleep(_LOOK_S)
    for windows in services[1:]:
        [worker] = _workers(windows)
        await _read(worker, await bus.ends(TALLIES))
    meter.report()


async def _read(worker: Worker[object], ends: dict[int, int]) -> None:
    """Return when everything below these ends is durable. The last offset is a marker's, or more: then it is asked."""
    look = 0
    while any((position or 0) < ends[at.partition] - 1 for at, position in worker.positions.items()):
        await asyncio.sleep(_LOOK_S)
        look += 1
        if look % _ASK_EVERY == 0 and not any(each.value for each in await worker.sample()):
            return


def _position(service: Service) -> int:
    [worker] = _workers(service)
    return sum(position or 0 for position in worker.positions.values())


def _workers(service: Service) -> list[Worker[object]]:
    return [part for part in service.parts if isinstance(part, Worker)]


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),  # warnings and worse
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
