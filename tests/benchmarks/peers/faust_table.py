"""A stock Faust table with tumbling windows of a minute: a key for each tenant and segment value."""

import asyncio
import os
import tempfile
from typing import Any

import faust

from tests.benchmarks.peers.counts import TABLE, values_of
from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector


def main(work: Job) -> None:
    """Count event after event; the table is in memory, its changelog on Kafka: it is what is published."""
    app = faust.App(
        work.group,
        broker=f"kafka://{work.bootstrap}",
        web_enabled=False,
        topic_partitions=4,
        topic_replication_factor=1,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=2_000,
        broker_session_timeout=10,  # its default of a minute would only keep the group of this run alive
        broker_heartbeat_interval=1,
        store="memory://",
        datadir=tempfile.mkdtemp(),
    )
    source = app.topic(work.source, key_type=bytes, key_serializer="raw", value_serializer="json")
    counts = app.Table(TABLE, default=int, partitions=4).tumbling(60.0, expires=86_400.0)
    meter = Meter(work.events)
    ending: list[asyncio.Task[None]] = []

    @app.agent(source)
    async def agent(stream: Any) -> None:
        async for verdict in stream:
            meter.begin()
            tenant = verdict["tenant"]
            for value in values_of(verdict):
                counts[f"{tenant}/{value}"] += 1
            if meter.add(1):
                ending.append(asyncio.create_task(_end(app, meter)))
                await asyncio.Event().wait()  # count no more: what is sent on and on is never flushed

    tune_garbage_collector()
    app.finalize()
    worker = faust.Worker(app, loglevel="ERROR")
    worker.execute_from_commandline()


async def _end(app: Any, meter: Meter) -> None:
    while app.producer.buffer.size:  # noqa: ASYNC110 - its own flush gives up after a tenth of a second
        await asyncio.sleep(0.005)
    await app.producer.flush()
    await app.commit(None)
    meter.report()
    os._exit(0)


if __name__ == "__main__":
    main(job())
