"""Bodies of buckets, as `windows.buckets` keeps them: all windows of a bucket, in one compressed list of msgpack."""

import zlib
from collections.abc import Callable
from typing import Final

import msgspec

from services.aggregator.core.merge import Bucket, PolicyCounts, SegmentWindow
from services.aggregator.core.segments import WHOLE, Segment
from services.aggregator.core.times import DAY_S

_COMPRESSED: Final = b"\x78"
_BLOCK_END: Final = b"\x00\x00\xff\xff"
"""What zlib writes at the end of a block that was flushed (RFC 1951, 3.2.4: a stored block of no bytes)."""
_LIST_HEAD: Final = {b"\xdc": 3, b"\xdd": 5}
"""Bytes before the first item of a list of msgpack, by its first one; else 1."""


class _Packed(msgspec.Struct, array_like=True):
    """A `SegmentWindow` whose counts are not decoded."""

    name: str | None
    value: str | None
    revision: int
    policies: msgspec.Raw


_encode = msgspec.msgpack.Encoder().encode
_decode_segment = msgspec.msgpack.Decoder(SegmentWindow).decode
_decode_segments = msgspec.msgpack.Decoder(list[SegmentWindow]).decode
_decode_policies = msgspec.msgpack.Decoder(dict[str, PolicyCounts]).decode
_decode_packed = msgspec.msgpack.Decoder(list[_Packed]).decode


def encoded_body(bucket: Bucket) -> bytes:
    """Return the windows of a bucket: a list of msgpack, compressed.

    In days, of which long spans are put together, the compressor ends a block behind the whole tenant where that comes
    first, as a rule, so that it can be read without the rest (`whole_tenant`). To everything else, earlier releases
    too, the body is like any other.
    """
    segments = list(bucket.segments.values())
    packed = _encode(segments)
    if bucket.key.length_s < DAY_S or not segments or (segments[0].name, segments[0].value) != WHOLE:
        return zlib.compress(packed, 1)
    first = _encode(segments[0])
    end, pack = packed.index(first) + len(first), zlib.compressobj(1)
    blocks = (pack.compress(packed[:end]), pack.flush(zlib.Z_SYNC_FLUSH), pack.compress(packed[end:]), pack.flush())
    return b"".join(blocks)


def whole_tenant(body: bytes) -> list[SegmentWindow]:
    """Return the window of the whole tenant of a bucket, if it has one; others are not unpacked where that can be.

    What ends a block may also stand within one, by chance: then what was cut off is not one window, and all is read.
    """
    end = body.find(_BLOCK_END) if body[:1] == _COMPRESSED else -1
    if end >= 0:
        packed = zlib.decompressobj().decompress(body[: end + len(_BLOCK_END)])
        try:
            window = _decode_segment(packed[_LIST_HEAD.get(packed[:1], 1) :])
        except msgspec.DecodeError:
            pass
        else:
            if (window.name, window.value) == WHOLE:
                return [window]
    return wanted_segments(body, lambda segment: segment == WHOLE)


def wanted_segments(body: bytes, wanted: Callable[[Segment], bool]) -> list[SegmentWindow]:
    """Return those windows of a bucket that are wanted, from its body; the others are not decoded."""
    return [
        SegmentWindow(each.name, each.value, each.revision, _decode_policies(each.policies))
        for each in _decode_packed(_unpacked(body))
        if wanted((each.name, each.value))
    ]


def met_segments(body: bytes) -> list[Segment]:
    """Return whose windows a bucket has; none of them is decoded."""
    return [(each.name, each.value) for each in _decode_packed(_unpacked(body))]


def all_segments(body: bytes) -> list[SegmentWindow]:
    """Return all windows of a bucket from its body."""
    return _decode_segments(_unpacked(body))


def _unpacked(body: bytes) -> bytes:
    # a list of msgpack never begins like zlib: rows of earlier releases are not compressed
    return zlib.decompress(body) if body[:1] == _COMPRESSED else body
