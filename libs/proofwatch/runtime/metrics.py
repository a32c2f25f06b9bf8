"""What a process tells Prometheus: few series, counted batch by batch, none of them about a tenant or a person."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from proofwatch.bus.dead_letter import refusal
from proofwatch.bus.observed import Published
from proofwatch.bus.port import Batch, Outgoing, TopicPartition
from proofwatch.events.mending import MENDED

_RECORDS: Final = (1, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000)
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0)
_UNKNOWN: Final = "unknown"


class Metrics:
    """The metrics of one process, in a registry of its own; an `Observer` of its fences."""

    def __init__(self, unready: Callable[[], Sequence[str]]) -> None:
        """`unready` is asked at every scrape."""
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=registry)
        registry.register(_Mended())
        place = ("stage", "topic", "partition")
        self._records = prometheus.Counter(
            "proofwatch_records", "Records taken from a partition and committed.", place, registry=registry
        )
        self._outputs = prometheus.Counter(
            "proofwatch_outputs", "Records published, by topic.", ("stage", "topic"), registry=registry
        )
        self._dead_letters = prometheus.Counter(
            "proofwatch_dead_letters",
            "Records that could not be processed, by reason.",
            ("stage", "reason"),
            registry=registry,
        )
        self._batch_records = prometheus.Histogram(
            "proofwatch_batch_records", "Records in one batch.", ("stage",), registry=registry, buckets=_RECORDS
        )
        self._transaction_seconds = prometheus.Histogram(
            "proofwatch_transaction_seconds",
            "From taking a batch in hand to its commit.",
            ("stage",),
            registry=registry,
            buckets=_SECONDS,
        )
        self._position = prometheus.Gauge(
            "proofwatch_position", "Offset up to which everything is durable.", place, registry=registry
        )
        self._lag = prometheus.Gauge(
            "proofwatch_lag_seconds",
            "Clock minus the newest record's timestamp, at the last batch; about the idle time when nothing comes.",
            place,
            registry=registry,
        )
        prometheus.Gauge("proofwatch_ready", "1 when every part does its work.", registry=registry).set_function(
            lambda: float(not unready())
        )

    def committed(self, stage: str, batch: Batch, published: Published, seconds: float) -> None:
        """Count a batch and what came of it."""
        place = (stage, *batch.source)
        self._position.labels(*place).set(batch.position_after)
        if batch.progress_ms is not None:
            self._lag.labels(*place).set((batch.now_ms - batch.progress_ms) / 1000)
        for topic, count in published.records.items():
            self._outputs.labels(stage, topic).inc(count)
        if published.dead_letters:
            self._count_dead_letters(stage, published.dead_letters)
        if batch.records:
            self._records.labels(*place).inc(len(batch.records))
            self._batch_records.labels(stage).observe(len(batch.records))
            self._transaction_seconds.labels(stage).observe(seconds)

    def released(self, stage: str, source: TopicPartition) -> None:
        """Take back what is said of a partition that another process may own."""
        for gauge in (self._position, self._lag):
            gauge.remove(stage, *source)

    def render(self) -> tuple[str, bytes]:
        """Return the content type and the text that a scrape gets."""
        return prometheus.CONTENT_TYPE_LATEST, prometheus.generate_latest(self.registry)

    def _count_dead_letters(self, stage: str, dead_letters: Sequence[Outgoing]) -> None:
        said = [refusal(output.headers) for output in dead_letters]
        for reason, count in Counter(each.reason if each else _UNKNOWN for each in said).items():
            self._dead_letters.labels(stage, reason).inc(count)


class _Mended(Collector):
    """What this process has put right in what it read (`events.mending`)."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one metric."""
        text = "Values put right rather than refused: scores clamped to [0, 1], descriptions cut or dropped."
        family = CounterMetricFamily("proofwatch_values_mended", text, labels=("event", "field"))
        for place, count in sorted(MENDED.items()):
            family.add_metric(place, count)
        yield family
