"""A broker of these tests' own, with every topic by its name, that deletes and compacts within seconds."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.kafka.bus import KafkaBus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.events.topics import kafka_specs
from services.privacy.adapters.topics import SCORER
from tests.support.kafka_broker import KafkaBroker, native_kafka

_EAGER: Mapping[str, str] = {
    "log.cleaner.backoff.ms": "200",
    "log.retention.check.interval.ms": "500",
    "log.initial.task.delay.ms": "500",
    "log.segment.delete.delay.ms": "100",
}
PARTITIONS = 2
_SHORT: Mapping[str, str] = {
    "segment.ms": "1000",
    "max.compaction.lag.ms": "1000",
    "delete.retention.ms": "1000",
    "min.cleanable.dirty.ratio": "0.01",
}


async def coordinated(bus: KafkaBus) -> None:
    """Wait until the broker, which is new, knows where groups are kept."""
    async with asyncio.timeout(120):
        while True:
            owner = await bus.fence(SCORER).acquire(TopicPartition(topics.TRANSACTIONS, 0))
            try:
                await owner.position()
            except BusUnavailable:
                await asyncio.sleep(0.2)
            else:
                return
            finally:
                await owner.close()


@contextmanager
def broker(*, forgets: bool = False) -> Iterator[KafkaBroker]:
    """`forgets`: topics keep everything for seconds only, in place of days."""
    started = native_kafka(_EAGER)
    try:
        for spec in kafka_specs():
            config = dict(spec.config)
            if forgets:
                config |= _SHORT
            partitions = 1 if spec.partitions == 1 else PARTITIONS
            started.create_topic(spec.name, partitions, config)
        yield started
    finally:
        started.close()
