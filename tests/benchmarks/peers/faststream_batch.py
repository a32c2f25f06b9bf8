"""FastStream with batches: `pydantic` as its users write it, `msgspec` with the product's own types.

Batches of 2,000: the framework packs a whole reply into one record batch of one partition, of which a broker takes
only so much. Offsets are committed after each reply was acknowledged (`AckPolicy.NACK_ON_ERROR`).
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from faststream import AckPolicy, FastStream  # type: ignore[import-not-found]  # not in the project's environment
from faststream.kafka import KafkaBroker, KafkaPublishMessage  # type: ignore[import-not-found]

from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector
from tests.benchmarks.peers.models import Transaction, verdict
from tests.benchmarks.peers.work import decide

_RECORDS = 2_000
_BYTES = 8 << 20


async def main(work: Job) -> None:
    """Answer batch after batch; ends the process when all events were answered and committed."""
    typed = work.variant == "pydantic"
    broker = KafkaBroker(
        work.bootstrap,
        logger=None,
        acks="all",
        enable_idempotence=True,
        max_batch_size=_BYTES,
        max_request_size=_BYTES,
        apply_types=typed,
    )
    meter = Meter(work.events)
    tasks: set[asyncio.Task[None]] = set()

    async def begun(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
        meter.begin()  # before the framework decodes and types the batch
        return await original(message) if typed else [(record.key, record.value) for record in message.raw_message]

    subscriber = broker.subscriber(
        work.source,
        batch=True,
        max_records=_RECORDS,
        group_id=work.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_partition_fetch_bytes=_BYTES,
        decoder=begun,
    )

    def count(events: int) -> None:
        if meter.add(events):
            tasks.add(asyncio.create_task(_end(subscriber, meter)))

    if typed:

        @subscriber  # type: ignore[untyped-decorator]
        @broker.publisher(work.target, batch=True)  # type: ignore[untyped-decorator]
        async def answer(events: list[Transaction]) -> list[Any]:
            count(len(events))
            verdicts = [verdict(event) for event in events]
            return [KafkaPublishMessage(v, key=f"{v.tenant}/{v.subject_ref}".encode()) for v in verdicts]

    else:

        @subscriber  # type: ignore[untyped-decorator]
        @broker.publisher(work.target, batch=True)  # type: ignore[untyped-decorator]
        async def answer_bytes(events: list[tuple[bytes, bytes]]) -> list[Any]:
            count(len(events))
            return [KafkaPublishMessage(decide(value), key=key) for key, value in events]

    tune_garbage_collector()
    await FastStream(broker, logger=None).run()


async def _end(subscriber: Any, meter: Meter) -> None:
    """Wait until the offsets of the last batch are committed."""
    consumer = subscriber.consumer
    for place in consumer.assignment():
        while await consumer.committed(place) != await consumer.position(place):  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.005)
    meter.report()
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main(job()))
