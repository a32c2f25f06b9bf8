"""How many pixels a file says that it has, by its first bytes: a bomb is refused before it is decoded."""

from typing import Final

from services.imagery.core.pictures import Limits, MediaType, PictureRefused

_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_SCAN: Final = 0xDA


def sized(data: bytes, media_type: MediaType, limits: Limits) -> tuple[int, int]:
    """Return width and height as the header has them. Raises `PictureRefused` without them, or beyond the limits."""
    size = _READ[media_type](data)
    if size is None or 0 in size:
        raise PictureRefused("not_a_picture", "the file begins like a picture, and its header is broken or breaks off")
    check(size, limits)
    return size


def check(size: tuple[int, int], limits: Limits) -> None:
    """Raise `PictureRefused` for more pixels than the limits allow."""
    width, height = size
    if max(size) > limits.most_side or width * height > limits.most_pixels:
        raise PictureRefused(
            "too_large",
            f"the picture has {width:,} × {height:,} pixels; at most {limits.most_pixels:,} are opened, "
            f"and {limits.most_side:,} on a side",
        )


def _png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif marker in _WITHOUT_LENGTH:
            at += 2
        elif marker == _SCAN:
            return None
        elif marker in _START_OF_FRAME:
            if at + 9 > len(data):
                return None
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
    return None


_READ: Final = {"image/png": _png, "image/jpeg": _jpeg, "image/webp": _webp}
