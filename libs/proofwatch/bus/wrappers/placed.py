"""A stage whose state is by key: records on a partition that their key does not belong to are refused before it.

Two producers with two partitioners would spread one key over two partitions: its order, its attempts and its counts
would be lost, and nobody would be told.
"""

from collections.abc import Iterable
from itertools import chain
from operator import itemgetter
from typing import Final, TypeVar

from proofwatch.bus.lazy_outputs import LazyOutputs, parts_of
from proofwatch.bus.partitioner import misplaced
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Batch, Output, Record, Rejection
from proofwatch.bus.stage import Stage
from proofwatch.bus.wrappers.wrapper import Wrapper

Tx = TypeVar("Tx", contravariant=True)

_KEY: Final = itemgetter(Record._fields.index("key"))
_RIGHT: Final = (
    "a key belongs where murmur2 puts it, as Kafka's Java client does; "
    "set partitioner=murmur2_random in librdkafka, and the like in other clients"
)


class Placed(Wrapper[Tx]):
    """`stage`, which only sees records where their keys belong. Raises `TopicChanged` where the count has changed."""

    def __init__(self, stage: Stage[Tx], bus: Bus) -> None:
        super().__init__(stage)
        self._bus = bus

    async def step(self, batch: Batch, tx: Tx) -> Iterable[Output]:
        """Return what the stage returns, after the rejections of what lies elsewhere than it belongs."""
        source = batch.source
        count = await self._bus.partitions(source.topic)
        keys = set(map(_KEY, batch.records))
        keys.discard(None)
        strangers = misplaced(keys, source.partition, count) if count > 1 else None
        if not strangers:
            return await self._stage.step(batch, tx)
        await self._bus.verify()  # partitions may have been added since we counted
        said = f"the record's key is not of partition {source.partition} of {count}: {_RIGHT}"
        rejected = [Rejection(record, "wrong_partition", said) for record in batch.records if record.key in strangers]
        rest = [record for record in batch.records if record.key not in strangers]
        outputs = await self._stage.step(batch._replace(records=rest), tx)
        return LazyOutputs(chain(rejected, parts_of(outputs)))
