"""Keys go where Kafka's own clients would send them."""

import pytest
from aiokafka.partitioner import murmur2 as peer
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.bus.partitioner import misplaced, murmur2, partition_of


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_hashes_equal_those_of_the_java_client(key: bytes, signed: int) -> None:
    """The values are from Apache Kafka's UtilsTest.testMurmur2."""
    assert murmur2(key) == signed & 0xFFFFFFFF


def test_hashes_equal_those_of_the_async_client_for_every_tail_length() -> None:
    """No remainder of four bytes is treated differently, and bytes above 127 are unsigned."""
    for length in range(40):
        key = bytes((37 * i + 201) % 256 for i in range(length))
        assert murmur2(key) == peer(key) & 0xFFFFFFFF


def test_an_empty_key_has_a_partition() -> None:
    """An empty key is a key: it must not be spread like a missing one."""
    assert {partition_of(b"", 6) for _ in range(3)} == {(murmur2(b"") & 0x7FFFFFFF) % 6}


@given(st.sets(st.binary(max_size=70), max_size=60), st.integers(1, 300), st.data())
def test_many_keys_at_once_are_judged_as_one_by_one(keys: set[bytes], partitions: int, data: st.DataObject) -> None:
    """The fast way and the plain one agree for every length, count and content."""
    partition = data.draw(st.integers(0, partitions - 1))
    begin = data.draw(st.binary(max_size=40))  # as keys of one tenant do
    for given_keys in (keys, {begin + key for key in keys}):
        plainly = {key for key in given_keys if partition_of(key, partitions) != partition}
        assert misplaced(given_keys, partition, partitions) == plainly
