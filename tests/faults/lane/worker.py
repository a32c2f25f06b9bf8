"""A process with one worker that copies `SOURCE` to `TARGET`; each output names its input partition and offset.

Settings come from the environment: BOOTSTRAP, GROUP, SOURCE, TARGET, PROOFWATCH_INSTANCE_ID; HOLD, seconds that each
transaction stays open before its commit, so that faults meet it; UNFENCED=1, the control: transactional ids of its own,
so that nobody fences anybody.
"""

import asyncio
import os
import signal
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from proofwatch.bus.kafka import fence as kafka_fence
from proofwatch.bus.kafka import producer as kafka_producer
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.lanes.lane import LaneSettings
from proofwatch.bus.lanes.worker import Worker
from proofwatch.bus.records import Batch, Outgoing, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.runtime.clock import SystemClock

ENV = os.environ


class Copy:
    """Copies every record, with where it came from as its value."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return one output for each record, in the same partition."""
        at, target = batch.source.partition, ENV["TARGET"]
        return [
            Outgoing(target, r.key, b"%d %d %s" % (at, r.offset, r.value), at, r.timestamp_ms) for r in batch.records
        ]

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""


class Held(AIOKafkaProducer):  # type: ignore[misc]  # the library ships no types
    """Keeps every transaction open for a while."""

    async def commit_transaction(self) -> None:
        """Commit after `HOLD` seconds."""
        await asyncio.sleep(float(ENV["HOLD"]))
        await super().commit_transaction()


def own_id(group: str, source: TopicPartition) -> str:
    """Return a transactional id that no other process shares."""
    return f"{group}-{source.topic}-{source.partition}-{os.getpid()}"


async def main() -> None:
    """Work until SIGTERM, then drain and leave."""
    bus = KafkaBus(ENV["BOOTSTRAP"], "fault-worker", instance_id=ENV["PROOFWATCH_INSTANCE_ID"])
    await bus.start()
    group, settings = ENV["GROUP"], LaneSettings(max_records=1000, idle_s=0.5)
    worker = Worker(bus, [ENV["SOURCE"]], bus.fence(group), Copy(), settings, SystemClock())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await worker.start()
    running, stopping = asyncio.create_task(worker.run()), asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await worker.stop()
    await running
    await bus.stop()


if __name__ == "__main__":
    vars(kafka_producer)["AIOKafkaProducer"] = Held
    if ENV.get("UNFENCED"):
        kafka_fence.transactional_id = own_id
    import uvloop

    uvloop.run(main())
