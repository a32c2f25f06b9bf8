"""Compression: every codec of Kafka can be read, and what cannot be unpacked is said once."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

from aiokafka.errors import UnsupportedCodecError

from proofwatch.bus.errors import BusUnavailable, Unreadable

_LIBRARY: Final = "cramjam"


def require_codecs() -> None:
    """Raise `BusUnavailable` unless snappy, lz4 and zstd can be read; without them a partition stops at the first such
    batch, be it months later.
    """
    if find_spec(_LIBRARY) is None:
        raise BusUnavailable(
            f"{_LIBRARY} is not installed, so records compressed with snappy, lz4 or zstd cannot be read: "
            "pip install 'proofwatch[kafka]'"
        )


def codec_error(error: BaseException | None) -> UnsupportedCodecError | None:
    """Return the codec's error among an error and its causes."""
    while error is not None and not isinstance(error, UnsupportedCodecError):
        error = error.__cause__ or error.__context__
    return error


@contextmanager
def unpacking(where: str) -> Iterator[None]:
    """Turn what a codec raises into `Unreadable`, naming `where`: another attempt would end in the same way."""
    try:
        yield
    except UnsupportedCodecError as error:
        raise unreadable(where, error) from error


def unreadable(where: str, error: UnsupportedCodecError) -> Unreadable:
    """Return the sentence for an operator."""
    said = ", ".join(str(each) for each in error.args) or "unknown codec"
    return Unreadable(
        f"{where}: a batch is compressed in a way that cannot be read ({said}); let its producer use gzip, snappy, "
        "lz4, zstd or none, and move the group past that batch"
    )
