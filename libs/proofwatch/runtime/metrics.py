"""What a process tells Prometheus: the metrics of the catalogue, counted batch by batch."""

import platform
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from operator import itemgetter
from typing import Any, Final

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from proofwatch.bus.committed import Committed
from proofwatch.bus.dead_letters.limit import OVER
from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.newest import newest_of
from proofwatch.bus.records import Batch, Record, Rejection, TopicPartition
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.events.mending import MENDED
from proofwatch.events.topics import TALLIES
from proofwatch.runtime import metric_catalogue as catalogue
from proofwatch.runtime.clock import Clock, SystemClock

_MAKERS: Final = {"counter": prometheus.Counter, "gauge": prometheus.Gauge, "histogram": prometheus.Histogram}
_UNKNOWN: Final = "unknown"
_TENANT: Final = re.compile(rb"([a-z0-9][a-z0-9-]{0,62})(?:/|\Z)")
_TIMESTAMP: Final = itemgetter(Record._fields.index("timestamp_ms"))
_OFTEN: Final = frozenset({catalogue.POSITION, catalogue.LAG_RECORDS, catalogue.LAG_SECONDS})


class Metrics:
    """The metrics of one process, in a registry of its own; an `Observer` of its parts."""

    def __init__(self, unready: Callable[[], Sequence[str]], service: str = "", clock: Clock | None = None) -> None:
        """`unready` is asked at every scrape, `clock` (None: the wall clock) too."""
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        self._clock = clock or SystemClock()
        self._removed = _Removed()
        self._made: dict[str, Any] = {each.name: self._make(each) for each in catalogue.CATALOGUE}
        self._seen_ms: dict[tuple[str, ...], int] = {}  # by place: the time up to which it is surely processed
        self._tenants: set[str] = set()
        self._of(catalogue.READY).set_function(lambda: float(not unready()))
        self._of(catalogue.BUILD).labels(service, metadata.version("proofwatch"), platform.python_version()).set(1)

    def _make(self, metric: catalogue.Metric) -> Any:
        if metric is catalogue.VALUES_MENDED:
            return self.registry.register(_Mended())
        if metric is catalogue.TENANTS_BEYOND_CAP:
            return self.registry.register(_Beyond())
        if metric is catalogue.REMOVED_ROWS:
            return self.registry.register(self._removed)
        more = {"buckets": metric.buckets} if metric.buckets else {}
        return _MAKERS[metric.kind](metric.name, metric.text, metric.labels, registry=self.registry, **more)

    def _of(self, metric: catalogue.Metric) -> Any:
        return self._made[metric.name]

    def assigned(self, group: str, partitions: Iterable[TopicPartition]) -> None:
        """Count a rebalance; from now on there is a lag to report, whether anything succeeds or not."""
        self._of(catalogue.REBALANCES).labels(group).inc()
        now_ms = self._clock.now_ms()
        for at in partitions:
            place = _place(group, at)
            self._seen_ms.setdefault(place, now_ms)
            self._of(catalogue.LAG_SECONDS).labels(*place).set_function(lambda place=place: self._lag_seconds(place))

    def revoked(self, group: str, partitions: Iterable[TopicPartition]) -> None:
        """Take back what is said of partitions that another process owns now."""
        for at in partitions:
            place = _place(group, at)
            self._seen_ms.pop(place, None)
            for metric in _OFTEN:
                self._of(metric).remove(*place)

    def committed(self, group: str, batch: Batch, outputs: Committed, seconds: float) -> None:
        """Count a batch and what came of it."""
        place = _place(group, batch.source)
        self._of(catalogue.POSITION).labels(*place).set(batch.position_after)
        if batch.progress_ms is not None:
            self._seen_ms[place] = batch.progress_ms
        for topic, count in outputs.records.items():
            self._of(catalogue.OUTPUTS).labels(group, topic).inc(count)
        if outputs.rejections:
            self._count_dead_letters(group, outputs.rejections)
        if batch.records:
            self._of(catalogue.RECORDS_TAKEN).labels(*place).inc(len(batch.records))
            self._of(catalogue.BATCH_RECORDS).labels(group).observe(len(batch.records))
            self._of(catalogue.TRANSACTION_SECONDS).labels(group).observe(seconds)
            done_ms = batch.now_ms + seconds * 1000
            _observe_ages(self._of(catalogue.EVENT_LATENCY).labels(group), batch.records, done_ms)
            if batch.source.topic == TALLIES:
                for at_ms in newest_of(batch.records):
                    self._of(catalogue.EVENT_TO_WINDOW).observe(max(0.0, done_ms - at_ms) / 1000)

    def failed(self, group: str, source: TopicPartition, error: BaseException) -> None:
        """Count a batch that is tried again."""
        reason = f"database_{error.kind}" if isinstance(error, DatabaseAway) else type(error).__name__
        self._of(catalogue.LANE_FAILURES).labels(group, source.topic, reason).inc()

    def counted(self, metric: str, *labels: str) -> None:
        """Count what only a service knows, by its name in the catalogue."""
        self._made[metric].labels(*labels).inc()

    def sampled(self, part: str, samples: Iterable[Sample]) -> None:
        """Take over what was looked up now."""
        now_ms = self._clock.now_ms()
        removed = Counter[tuple[str, ...]]()
        for sample in samples:
            if sample.metric == catalogue.REMOVED_ROWS.name:
                tenant, table = sample.labels
                removed[self._tenant(tenant.encode()), table] += int(sample.value)
                continue
            gauge = self._made[sample.metric]
            if sample.metric == catalogue.LAG_RECORDS.name:
                if sample.labels not in self._seen_ms:  # moved away while it was looked up
                    continue
                if sample.value == 0:
                    self._seen_ms[sample.labels] = max(self._seen_ms[sample.labels], now_ms)
            gauge.labels(*sample.labels).set(sample.value)
        self._removed.rows |= removed
        self._of(catalogue.LOOK_AGE).labels(part).set_function(lambda: (self._clock.now_ms() - now_ms) / 1000)

    def render(self) -> tuple[str, bytes]:
        """Return the content type and the text that a scrape gets."""
        return prometheus.CONTENT_TYPE_LATEST, prometheus.generate_latest(self.registry)

    def _lag_seconds(self, place: tuple[str, ...]) -> float:
        return max(0.0, (self._clock.now_ms() - self._seen_ms[place]) / 1000)

    def _count_dead_letters(self, group: str, rejections: Sequence[Rejection]) -> None:
        said = Counter((self._tenant(each.record.key), each.reason) for each in rejections)
        for (tenant, reason), count in said.items():
            self._of(catalogue.DEAD_LETTERS).labels(group, tenant, reason).inc(count)

    def _tenant(self, key: bytes | None) -> str:
        found = _TENANT.match(key or b"")
        if not found:
            return _UNKNOWN
        tenant = found[1].decode()
        if tenant not in self._tenants:
            if len(self._tenants) >= catalogue.TENANTS:
                return "other"
            self._tenants.add(tenant)
        return tenant


def _place(group: str, at: TopicPartition) -> tuple[str, ...]:
    return (group, at.topic, str(at.partition))


def _observe_ages(histogram: Any, records: Sequence[Record], now_ms: float) -> None:
    """Observe the age of every record at once: a call for each would cost the scorer a tenth of its time.

    The library has no such call; its buckets each count their own, which it adds up at a scrape.
    """
    times = sorted(map(_TIMESTAMP, records))  # sorted already, but for a replay
    above = len(times)
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):
        # how many are older than the bound
        older = bisect_left(times, now_ms - bound * 1000)
        if above > older:
            bucket.inc(above - older)
        above = older
    histogram._sum.inc(max(0.0, now_ms * len(times) - sum(times)) / 1000)


class _Mended(Collector):
    """What this process has put right in what it read (`events.mending`), which counts it by itself."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one metric."""
        metric = catalogue.VALUES_MENDED
        family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.text, labels=metric.labels)
        for place, count in sorted(MENDED.items()):
            family.add_metric(place, count)
        yield family


class _Beyond(Collector):
    """The tenants beyond the cap on dead letters (`bus.dead_letters.limit`), where there are any."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the one metric."""
        metric = catalogue.TENANTS_BEYOND_CAP
        family = GaugeMetricFamily(metric.name, metric.text, labels=metric.labels)
        for (group, topic, partition), count in sorted(OVER.items()):
            family.add_metric((group, topic, str(partition)), count)
        yield family


class _Removed(Collector):
    """What the database says that retention has removed: a counter that is looked up."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, ...], int] = {}

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the one metric."""
        metric = catalogue.REMOVED_ROWS
        family = CounterMetricFamily(metric.name.removesuffix("_total"), metric.text, labels=metric.labels)
        for place, count in sorted(self.rows.items()):
            family.add_metric(place, count)
        yield family
