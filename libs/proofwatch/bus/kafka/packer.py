"""Packing records into the batches that Kafka's protocol carries, one open batch for each partition."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing, TopicPartition


class Packer:
    """Packs records; batches of one partition come in the order of their records."""

    def __init__(self, new_batch: Callable[[], Any], keyless: Callable[[], int]) -> None:
        """`new_batch` makes an empty batch of the client library; `keyless` as for `producer.send_all`."""
        self.sizes: dict[str, int] = {}
        """Partition counts; every topic must be here before a record of it is packed."""
        self._new_batch = new_batch
        self._keyless = keyless
        self._open: dict[TopicPartition, _Packing] = {}

    def pack(self, records: Sequence[Outgoing]) -> list[tuple[TopicPartition, Any]]:
        """Return the batches that these records fill. Raises `UnknownTopic` for a partition that there is not."""
        full: list[tuple[TopicPartition, Any]] = []
        packing, at_topic, at_partition = None, "", -1
        no_headers: list[tuple[str, bytes]] = []
        for topic, key, value, partition, timestamp_ms, headers in records:
            if partition is None:
                partition = self._partition(topic, key)
            if packing is None or partition != at_partition or topic != at_topic:  # most go where the one before went
                packing, at_topic, at_partition = self._packing(topic, partition), topic, partition
            listed = list(headers) if headers else no_headers
            # None: no room. An empty batch takes any record, even one of 10 MB
            if packing.append(packing.count, timestamp_ms, key, value, listed) is None:
                at = TopicPartition(topic, partition)
                full.append((at, packing.closed()))
                packing = self._open[at] = _Packing(self._new_batch())
                packing.append(0, timestamp_ms, key, value, listed)
            packing.count += 1
        return full

    def rest(self) -> Iterable[tuple[TopicPartition, Any]]:
        """Return the batches that are open; the last call."""
        return [(at, packing.closed()) for at, packing in self._open.items()]

    def _partition(self, topic: str, key: bytes | None) -> int:
        size = self.sizes[topic]
        return self._keyless() % size if key is None else partition_of(key, size)

    def _packing(self, topic: str, partition: int) -> "_Packing":
        at = TopicPartition(topic, partition)
        if at not in self._open:
            if not 0 <= partition < self.sizes[topic]:
                raise UnknownTopic(f"{topic} has {self.sizes[topic]} partitions; there is no partition {partition}")
            self._open[at] = _Packing(self._new_batch())
        return self._open[at]


class _Packing:
    """A batch that is being filled, past the library's own method for it, which takes as long again."""

    __slots__ = ("_batch", "append", "count")

    def __init__(self, batch: Any) -> None:
        self._batch = batch
        self.append = batch._builder.append
        self.count = 0

    def closed(self) -> Any:
        self._batch._relative_offset = self.count
        self._batch.close()
        return self._batch
