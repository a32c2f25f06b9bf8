"""What goes over the bus: records, batches of them, and what is to be published. Kafka's words are used throughout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple, Self

from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.rejected import Rejected

Headers = tuple[tuple[str, bytes], ...]


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Topic(NamedTuple):
    """What a topic is at some time. `id` tells it from another of its name, before or after; None: not known.

    `accepted`: an operator has said that it may be read from its beginning, if another was read before.
    """

    partitions: int
    id: str | None = None
    accepted: bool = False


class Record(NamedTuple):
    """One record as it lies in a partition.

    `timestamp_ms` is milliseconds since the Unix epoch: log-append or create time, as the topic's manifest says.
    Offsets ascend but are not contiguous: transaction markers leave holes.
    """

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Outgoing(NamedTuple):
    """One record to be published.

    `partition` None: chosen from the key with Kafka's murmur2 partitioner, so that equal keys on topics of equal
    partition count stay co-partitioned. `timestamp_ms` None: the clock of the bus.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    timestamp_ms: int | None = None
    headers: Headers = ()


new_record: Final[Callable[[tuple[int, int, bytes | None, bytes | None, Headers]], Record]] = partial(
    tuple.__new__, Record
)
"""Makes a record of all of its fields: what a named tuple's own constructor does, at a third of its price."""

new_outgoing: Final[Callable[[tuple[str, bytes | None, bytes | None, int | None, int | None, Headers]], Outgoing]] = (
    partial(tuple.__new__, Outgoing)
)
"""The same for what is published."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that can never be processed, as a stage hands it over: in its place among the outputs.

    The bus makes a dead letter of it, under the name of the group (`dead_letters.letter`), and counts it.
    `message` says where the record is wrong and what would be right; it never holds a value of the record.
    `stamp_ms`: the letter's timestamp where a broker would refuse the record's own; None: the record's.
    """

    record: Record
    reason: DeadLetterReason
    message: str
    stamp_ms: int | None = None

    @classmethod
    def of(cls, record: Record, error: Rejected) -> Self:
        """Return the rejection of `record` because of `error`."""
        return cls(record, error.reason, error.message)


Output = Outgoing | Rejection
"""What comes of a batch, one by one."""

Part = Sequence[Outgoing] | Rejection
"""What comes of a batch, at a stroke. A rejection is a part of its own: nobody looks at every record for one."""


class Batch(NamedTuple):
    """Consecutive records of one partition, and the half-open range of positions they stand for.

    An idle batch has no records and `position_before == position_after`.
    `progress_ms` is the greatest record timestamp seen in the partition, of those that can be believed
    (`wrappers.timely`); on an idle batch in live mode it follows the clock. None: nothing is known yet. `now_ms` is the
    lane's clock when the batch was taken.
    """

    source: TopicPartition
    records: Sequence[Record]
    position_before: int
    position_after: int
    progress_ms: int | None
    now_ms: int
