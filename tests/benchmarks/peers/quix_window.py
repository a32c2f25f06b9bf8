"""Quix Streams: a tumbling window of a minute for each key, reduced to a dictionary of counts; final results only."""

import logging
import tempfile
from datetime import timedelta
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]  # not in the project's environment

from tests.benchmarks.peers.counts import values_of
from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector

Counts = dict[str, int]


def first(verdict: dict[str, Any]) -> Counts:
    """Return the counts of one verdict."""
    return dict.fromkeys(values_of(verdict), 1)


def more(counts: Counts, verdict: dict[str, Any]) -> Counts:
    """Return the counts with one verdict more."""
    for value in values_of(verdict):
        counts[value] = counts.get(value, 0) + 1
    return counts


def main(work: Job) -> None:
    """Count message after message; state in RocksDB, its changelog on Kafka, a commit every 5 s (at least once)."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as state:
        app = Application(
            broker_address=work.bootstrap,
            consumer_group=work.group,
            auto_offset_reset="earliest",
            loglevel=None,
            state_dir=state,
            producer_extra_config={"enable.idempotence": True, "linger.ms": 20},
        )
        source = app.topic(work.source, value_deserializer="json")
        target = app.topic(work.target, value_serializer="json")
        meter = Meter(work.events)

        def counted(verdict: Any) -> Any:
            meter.begin()
            if meter.add(1):
                app.stop()
            return verdict

        window = app.dataframe(source).apply(counted).tumbling_window(timedelta(minutes=1))
        window.reduce(more, first).final().to_topic(target)
        tune_garbage_collector()
        app.run()  # returns after the last checkpoint: flushed and committed
        meter.report()


if __name__ == "__main__":
    main(job())
