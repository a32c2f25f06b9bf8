"""aiokafka pass-through: the product's client library, with nothing between `getmany` and `send_batch`."""

import asyncio

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector

_BATCH_BYTES = 786_432


async def main(work: Job) -> None:
    """Copy records; offsets are committed after every poll, once its batches are acknowledged."""
    consumer = AIOKafkaConsumer(
        work.source,
        bootstrap_servers=work.bootstrap,
        group_id=work.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=8 << 20,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=work.bootstrap,
        max_batch_size=_BATCH_BYTES,
        max_request_size=16 << 20,
        enable_idempotence=True,
    )
    await consumer.start()
    await producer.start()
    tune_garbage_collector()
    meter = Meter(work.events)
    done = False
    while not done:
        polled = await consumer.getmany(timeout_ms=500, max_records=10_000)
        if not polled:
            continue
        meter.begin()
        sent = []
        for place, messages in polled.items():
            batch = producer.create_batch()
            for message in messages:
                if batch.append(key=message.key, value=message.value, timestamp=message.timestamp) is None:
                    sent.append(await producer.send_batch(batch, work.target, partition=place.partition))
                    batch = producer.create_batch()
                    batch.append(key=message.key, value=message.value, timestamp=message.timestamp)
            sent.append(await producer.send_batch(batch, work.target, partition=place.partition))
        await asyncio.gather(*sent)
        await consumer.commit()
        done = meter.add(sum(map(len, polled.values())))
    meter.report()
    await consumer.stop()
    await producer.stop()


if __name__ == "__main__":
    uvloop.run(main(job()))
