"""Somebody is found however they are written, and however that is packed."""

import base64
import gzip
import io
import json
import zlib
from collections.abc import Callable

import cramjam
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from services.privacy.core.needles import matches, needles
from services.privacy.core.unpacking import DEEPEST, layers

REF = "sub-ü/c07e51"
WANTED = needles("subject", REF)


@pytest.mark.parametrize(
    "data",
    [
        REF.encode(),
        REF.encode().hex().encode(),
        REF.encode().hex().upper().encode(),
        REF.encode("utf-16-le"),
        REF.encode("utf-16-be"),
        json.dumps({"subject": REF}).encode(),
        b"/tenants/acme/sub-%C3%BC%2Fc07e51",
        *(base64.b64encode(b"x" * before + REF.encode() + b"y" * behind) for before in range(4) for behind in range(4)),
        *(base64.urlsafe_b64encode(b"\xff" * before + REF.encode() + b"\xfb") for before in range(4)),
    ],
)
def test_a_reference_is_found_in_every_writing(data: bytes) -> None:
    """With anything before and behind it, and not where a letter differs."""
    assert matches(b"..." + data + b"...", WANTED)
    assert not matches(b"..." + data + b"...", needles("other", "sub-ü/c07e52"))


def test_a_reference_that_chance_would_find_is_refused() -> None:
    """Its length is said."""
    with pytest.raises(ValueError, match="subject must have at least 6 bytes"):
        needles("subject", "s-1")


def parquet(data: bytes) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": [data.decode()]}), buffer, compression="zstd")
    return buffer.getvalue()


def xerial(data: bytes) -> bytes:
    body = bytes(cramjam.snappy.compress_raw(data))
    return b"\x82SNAPPY\x00" + bytes(8) + len(body).to_bytes(4, "big") + body


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zlib": zlib.compress,
    "zstd": lambda data: bytes(cramjam.zstd.compress(data)),
    "lz4": lambda data: bytes(cramjam.lz4.compress(data)),
    "snappy": lambda data: bytes(cramjam.snappy.compress(data)),
    "snappy raw": lambda data: bytes(cramjam.snappy.compress_raw(data)),
    "snappy java": xerial,
    "parquet": parquet,
}


@pytest.mark.parametrize("name", PACKED)
def test_it_is_found_in_what_is_packed(name: str) -> None:
    """Once, twice, and behind a header of somebody's."""
    text = REF.encode() * 500
    once = PACKED[name](text)
    inner = [each for each in layers(once) if each.how]
    assert any(each.body.count(REF.encode()) == 500 for each in inner)
    assert any(matches(each.body, WANTED) for each in layers(gzip.compress(once)))
    if name != "snappy raw":
        assert any(matches(each.body, WANTED) for each in layers(b"header\0" + once)) or name == "parquet"


def test_what_lies_too_deep_is_said() -> None:
    """Nobody is told that nothing is there where nobody looked."""
    data = REF.encode()
    for _ in range(DEEPEST + 2):
        data = gzip.compress(data * 50)
    found = list(layers(data))
    assert not any(matches(each.body, WANTED) for each in found)
    assert any(not each.whole for each in found)
    assert all(each.whole for each in layers(b"x\x9c nothing \x1f\x8b\x08 of the kind PAR1"))
