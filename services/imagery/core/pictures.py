"""Which bytes are taken for a picture: JPEG, PNG and WebP by their first bytes, of a size, with the digest announced.

Nothing is decoded here: that is done elsewhere, in a process of its own (`adapters.renderer`).
"""

from hashlib import sha256
from typing import Final, Literal, NamedTuple

MediaType = Literal["image/jpeg", "image/png", "image/webp"]
Code = Literal["not_a_picture", "format_refused", "too_large", "animated", "digest_differs", "renderer_failed"]

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_REFUSED: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
    (0, b"II+\x00", "TIFF"),
    (0, b"MM\x00+", "TIFF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"%PDF-", "PDF"),
    (0, b"BM", "BMP"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"ftyp", "HEIF, AVIF or video"),
)
"""Formats that people do send as pictures: position and bytes that give them away, and what they are called."""
_MARKUP: Final = (b"<svg", b"<!doctype svg", b"<?xml")
_LOOKED_AT: Final = 1_024


class Limits(NamedTuple):
    """What a picture may be. Bytes of the file; pixels as decoded, which is what a decompression bomb has too many of.

    The defaults take what telephones make today: 50 million pixels, 20 MiB.
    """

    most_bytes: int = 20 * 1_048_576
    most_pixels: int = 50_000_000
    most_side: int = 16_384


class PictureRefused(Exception):
    """The picture is not shown. `code` says why, for machines; the message, for people."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


def judged(data: bytes, limits: Limits, digest: str | None = None, media_type: str | None = None) -> MediaType:
    """Return what the bytes are, by their own first bytes.

    `digest` (SHA-256, hexadecimal) and `media_type`: what the event says; None: it says nothing.
    Raises `PictureRefused`.
    """
    if len(data) > limits.most_bytes:
        raise PictureRefused("too_large", f"the file has {len(data):,} bytes; at most {limits.most_bytes:,} are opened")
    if digest is not None and sha256(data).hexdigest() != digest.lower():
        raise PictureRefused(
            "digest_differs", "the file is not the one that the event announced: its SHA-256 digest is another"
        )
    found = _format(data)
    if media_type is not None and media_type.lower() != found:
        raise PictureRefused("format_refused", f"the event announced {media_type[:64]!r}, and the file is {found}")
    return found


def _format(data: bytes) -> MediaType:
    if data.startswith(_JPEG):
        return "image/jpeg"
    if data.startswith(_PNG):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for at, magic, name in _REFUSED:
        if data.startswith(magic, at):
            raise PictureRefused("format_refused", f"the file is {name}; only JPEG, PNG and WebP are opened")
    start = data[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_MARKUP) or b"<svg" in start:
        raise PictureRefused("format_refused", "the file is SVG or XML; only JPEG, PNG and WebP are opened")
    what = "the file is empty" if not data else "the file is no picture"
    raise PictureRefused("not_a_picture", f"{what}; only JPEG, PNG and WebP are opened")
