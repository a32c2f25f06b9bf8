"""Which partition a key belongs to: the rule of Kafka's Java client, so that every client agrees on it.

Source: Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2` and `BuiltInPartitioner.partitionForKey`:
32-bit MurmurHash2 with the seed 0x9747b28c, sign bit cleared, modulo the partition count.
"""

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the unsigned 32-bit hash of `data` (Java shows the same bits as a signed int)."""
    length = len(data)
    words = length // 4
    h = _SEED ^ length
    for word in struct.unpack_from(f"<{words}I", data):
        k = (word * _M) & _MASK
        k = ((k ^ (k >> 24)) * _M) & _MASK
        h = ((h * _M) & _MASK) ^ k
    tail = data[words * 4 :]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * _M) & _MASK
    h = ((h ^ (h >> 13)) * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65536)  # subjects come again
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition, 0 … `partitions` − 1, of a record with this key; an empty key is a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions if partitions > 1 else 0
