"""What lies compressed in some bytes, wherever in them it begins: gzip, zlib, zstd, lz4, snappy, Parquet.

A magic that stands there by chance does not unpack, and is passed over. What unpacks to more than `MOST` bytes, or lies
deeper than `DEEPEST`, was not searched, and is said.
"""

import io
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import cramjam

MOST: Final = 256 * 1024 * 1024
DEEPEST: Final = 4
_CANDIDATES: Final = 1_000
_RAW_SNAPPY: Final = 16 * 1024 * 1024
_XERIAL: Final = b"\x82SNAPPY\x00"
_PARQUET: Final = b"PAR1"


class Layer(NamedTuple):
    """Bytes, and how they lay in those that were given; `whole`: nothing of them was left out."""

    how: str
    body: bytes
    whole: bool = True


def layers(data: bytes, depth: int = 0, how: str = "") -> Iterator[Layer]:
    """Yield the data itself and everything that unpacks from it."""
    yield Layer(how, data)
    for name, body, whole in _unpacked(data):
        label = f"{how} {name}".strip()
        if not whole or depth + 1 >= DEEPEST:
            yield Layer(label, b"", whole=False)
        yield from layers(body, depth + 1, label) if depth + 1 < DEEPEST else [Layer(label, body)]


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes, bool]]:
    for magic, (name, unpack) in _FORMATS.items():
        at, tried = data.find(magic), 0
        while at >= 0 and tried < _CANDIDATES:
            tried += 1
            body = _tried(unpack, data[at:])
            if body:
                yield name, body[:MOST], len(body) <= MOST
            at = data.find(magic, at + 1)
        if tried >= _CANDIDATES:
            yield name, b"", False
    if 8 < len(data) <= _RAW_SNAPPY and (body := _tried(_raw_snappy, data)):
        yield "snappy", body, True


def _tried(unpack: Callable[[bytes], bytes], data: bytes) -> bytes:
    try:
        return unpack(data)
    except Exception:  # noqa: BLE001 - what is no such stream fails in as many ways as there are libraries
        return b""


def _zlib(bits: int) -> Callable[[bytes], bytes]:
    def unpack(data: bytes) -> bytes:
        return zlib.decompressobj(bits).decompress(data, MOST + 1)

    return unpack


def _of(module: Any) -> Callable[[bytes], bytes]:
    def unpack(data: bytes) -> bytes:
        return bytes(module.decompress(data))

    return unpack


def _raw_snappy(data: bytes) -> bytes:
    return bytes(cramjam.snappy.decompress_raw(data))


def _xerial(data: bytes) -> bytes:
    """Snappy as Java's clients of Kafka write it: a header of 16 bytes, then blocks behind their lengths."""
    at, found = 16, b""
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found += _raw_snappy(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _parquet(data: bytes) -> bytes:
    """The cells of a table, and what its file says of itself, a line for each."""
    from pyarrow import parquet

    file = parquet.ParquetFile(io.BytesIO(data))
    said = [repr(file.schema_arrow).encode(), repr(file.schema_arrow.metadata).encode()]
    for batch in file.iter_batches():
        for row in batch.to_pylist():
            said += [each if isinstance(each, bytes) else str(each).encode() for each in row.values()]
    return b"\n".join(said)


_FORMATS: Final[Mapping[bytes, tuple[str, Callable[[bytes], bytes]]]] = {
    b"\x1f\x8b\x08": ("gzip", _zlib(31)),
    b"\x78\x01": ("zlib", _zlib(15)),
    b"\x78\x5e": ("zlib", _zlib(15)),
    b"\x78\x9c": ("zlib", _zlib(15)),
    b"\x78\xda": ("zlib", _zlib(15)),
    b"\x28\xb5\x2f\xfd": ("zstd", _of(cramjam.zstd)),
    b"\x04\x22\x4d\x18": ("lz4", _of(cramjam.lz4)),
    b"\xff\x06\x00\x00sNaPpY": ("snappy", _of(cramjam.snappy)),
    _XERIAL: ("snappy", _xerial),
    _PARQUET: ("parquet", _parquet),
}
