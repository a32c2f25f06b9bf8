"""Packing: every record once, in order, in a batch of its partition; read back by the client library."""

from itertools import pairwise

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.errors import UnknownTopic
from proofwatch.bus.kafka.packer import Packer
from proofwatch.bus.partitioner import partition_of
from proofwatch.bus.records import Outgoing, TopicPartition

BATCH_BYTES = 400
RECORDS = st.lists(
    st.builds(
        Outgoing,
        st.sampled_from(["one", "two"]),
        st.sampled_from([None, b"a", b"b"]),
        st.sampled_from([None, b"", b"v", b"w" * 90, b"x" * 3 * BATCH_BYTES]),
        st.sampled_from([None, 0, 1]),
        st.integers(0, 10**13),
        st.sampled_from([(), (("h", b"1"), ("h", b"2"))]),
    ),
    max_size=30,
)


def packer() -> Packer:
    made = Packer(lambda: BatchBuilder(BATCH_BYTES, 0, is_transactional=1), lambda: 3)
    made.sizes.update(one=2, two=2)
    return made


@settings(deadline=None)
@given(RECORDS, st.lists(st.integers(0, 30), max_size=3))
def test_all_records_come_out_in_order_however_they_are_cut_into_parts(
    records: list[Outgoing], cuts: list[int]
) -> None:
    """Keys, values, times and headers as they were; a batch counts its records."""
    packing, batches = packer(), list[tuple[TopicPartition, BatchBuilder]]()
    bounds = sorted({0, len(records), *(cut for cut in cuts if cut < len(records))})
    for first, end in pairwise(bounds):
        batches += packing.pack(records[first:end])
    batches += packing.rest()
    found: dict[TopicPartition, list[Outgoing]] = {}
    for at, batch in batches:
        read = list(MemoryRecords(bytes(batch._build())).next_batch())
        assert batch.closed()
        assert len(read) == batch.record_count()
        assert [each.offset for each in read] == list(range(len(read)))
        found.setdefault(at, []).extend(
            Outgoing(at.topic, r.key, r.value, at.partition, r.timestamp, tuple(r.headers)) for r in read
        )
    expected: dict[TopicPartition, list[Outgoing]] = {}
    for each in records:
        keyed = 1 if each.key is None else partition_of(each.key, 2)
        where = TopicPartition(each.topic, keyed if each.partition is None else each.partition)
        expected.setdefault(where, []).append(each._replace(partition=where.partition))
    assert found == expected


def test_a_partition_that_there_is_not_is_refused() -> None:
    """With the topic, what it has, and what was asked for."""
    with pytest.raises(UnknownTopic, match="two has 2 partitions; there is no partition 2"):
        packer().pack([Outgoing("two", b"k", b"v", 2)])
