"""The scorer as a process of its own: `python -m tests.benchmarks.scorer_process PROFILE_AS_JSON EVENTS`.

With EVENTS it measures itself as every contender does and ends. With EVENTS 0 it serves until SIGTERM and prints,
ten times a second, a line of JSON: monotonic seconds, the durable position of each partition, processor seconds.
"""

import asyncio
import json
import os
import signal
import sys
import time

import structlog
import uvloop

from proofwatch.bus.kafka.fence import KafkaOwner
from proofwatch.bus.records import Batch
from proofwatch.bus.stage import Stage
from proofwatch.runtime.memory import tune_garbage_collector
from tests.benchmarks.lanes import LANES, build_lane
from tests.benchmarks.peers.meter import Meter, processor_seconds
from tests.benchmarks.scorer import Built, Profile, build_scorer

_LOOK_S = 0.005
_SAY_S = 0.1


async def main(profile: Profile, events: int) -> None:
    """Start as `proofwatch.runtime.process` does, work, stop."""
    meter = Meter(events)
    _begin_with_first_batch(meter)
    built = await (build_lane(profile) if profile.kind in LANES else build_scorer(profile))
    await built.service.start()
    tune_garbage_collector()
    work = asyncio.create_task(built.service.run())
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    watch = asyncio.create_task(_measure(built, meter) if events else _serve(built, told))
    await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
        raise RuntimeError("the scorer ended by itself")
    watch.result()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    await built.service.stop()


def _done(built: Built) -> list[int]:
    return [position or 0 for _, position in sorted(built.positions().items(), key=lambda item: item[0])]


def _begin_with_first_batch(meter: Meter) -> None:
    """Start the clock when any lane has its first records in hand."""
    commit = KafkaOwner.commit

    async def begun(self: KafkaOwner, batch: Batch, stage: Stage[None]) -> None:
        meter.begin()
        KafkaOwner.commit = commit  # type: ignore[method-assign]  # once is enough
        await commit(self, batch, stage)

    KafkaOwner.commit = begun  # type: ignore[method-assign]


async def _measure(built: Built, meter: Meter) -> None:
    while not meter.add(sum(_done(built)) - meter.done):  # noqa: ASYNC110 - no part of the product tells
        await asyncio.sleep(_LOOK_S)
    meter.report(features=built.features)


async def _serve(built: Built, told: asyncio.Event) -> None:
    while not told.is_set():
        if not built.service.unready():
            line = json.dumps([round(time.monotonic(), 3), _done(built), round(processor_seconds(), 3)])
            os.write(1, line.encode() + b"\n")
        await asyncio.sleep(_SAY_S)


if __name__ == "__main__":
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),  # warnings and worse
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    uvloop.run(main(Profile(**json.loads(sys.argv[1])), int(sys.argv[2])))
