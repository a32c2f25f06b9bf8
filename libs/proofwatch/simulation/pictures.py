"""Pictures for simulated transactions: a card and an object beside it, drawn; never of people.

A function of seed and transaction, byte for byte: pixels are stored, not compressed, for compressors differ.
"""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from random import Random
from typing import Final

MEDIA_TYPE: Final = "image/png"
BUCKET: Final = "imagery"
WIDTH, HEIGHT = 120, 80
_GROUND, _CARD, _HEAD, _LINE, _WINDOW, _OBJECT, _SHADE, _RIM = range(8)
_Inside = Callable[[int, int], bool]
"""Whether a pixel, counted from the middle of the object, belongs to it."""
_OBJECTS: Final[tuple[_Inside, ...]] = (
    lambda x, y: abs(x) + abs(y) < 22,
    lambda x, y: 100 < x * x + y * y < 450,
    lambda x, y: abs(x) < 20 and abs(y) < 20 and (x // 5 + y // 5) % 2 == 0,
    lambda x, y: abs(y) < 22 and abs(x) < 2 + (y + 22) // 2,
    lambda x, y: abs(x) < 6 or abs(y) < 6,
    lambda x, y: abs(x) < 21 and abs(y) < 21 and (x + y) % 9 < 4,
    lambda x, y: max(abs(x), abs(y)) % 8 < 4 and max(abs(x), abs(y)) < 22,
    lambda x, y: abs(y + (x * x) // 30 - 8) < 6 and abs(x) < 22,
)
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def key(tenant: str, transaction_id: str) -> str:
    """Return where in `BUCKET` the picture of a transaction is kept."""
    return f"{tenant}/{transaction_id}"


def picture(seed: int, transaction_id: str) -> bytes:
    """Return the PNG of a transaction; another transaction's has other bytes."""
    drawn = sha256(f"{seed}/{transaction_id}".encode()).digest()
    head, tail = _canvas(drawn[0] % len(_OBJECTS))
    return head + _chunk(b"PLTE", _colours(drawn)) + tail


def digest(seed: int, transaction_id: str) -> str:
    """Return the SHA-256 of the transaction's picture, hexadecimal, as events announce it."""
    return sha256(picture(seed, transaction_id)).hexdigest()


def _colours(drawn: bytes) -> bytes:
    """Return a light ground and card, dark lines, and an object of any colour: red, green, blue of each."""
    light = bytes(200 + value % 56 for value in drawn[1:7])
    dark = bytes(value % 110 for value in drawn[7:13])
    return light + dark + bytes(120 + value % 80 for value in drawn[13:16]) + drawn[16:22] + dark[:3]


@cache
def _canvas(number: int) -> tuple[bytes, bytes]:
    """Return what comes before and after the colours in a picture with this object."""
    random = Random(number)
    lines = [random.randint(12, 38) for _ in range(5)]
    pixels = [[_pixel(x, y, number, lines) for x in range(WIDTH)] for y in range(HEIGHT)]
    rows = b"".join(b"\0" + bytes(a << 4 | b for a, b in zip(row[::2], row[1::2], strict=True)) for row in pixels)
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 4, 3, 0, 0, 0))
    return _SIGNATURE + header, _chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b"")


def _pixel(x: int, y: int, number: int, lines: list[int]) -> int:
    if 6 <= x < 66 and 14 <= y < 66:
        return _on_card(x - 6, y - 14, lines)
    across, down = x - 93, y - 40
    if _OBJECTS[number](across, down) and max(abs(across), abs(down)) < 24:
        return _OBJECT if across + down < 0 else _SHADE
    return _GROUND


def _on_card(x: int, y: int, lines: list[int]) -> int:
    if min(x, y, 59 - x, 51 - y) == 0:
        return _RIM
    if y < 9:
        return _HEAD
    if 4 <= x < 18 and 14 <= y < 34:
        return _WINDOW if (x + y) % 4 else _LINE
    line, within = divmod(y - 14, 7)
    return _LINE if 0 <= line < 5 and within < 2 and 21 <= x < 21 + lines[line] else _CARD


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
