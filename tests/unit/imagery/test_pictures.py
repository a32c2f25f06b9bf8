"""Which bytes are taken for a picture, without decoding any."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.imagery.core.headers import sized
from services.imagery.core.pictures import Limits, MediaType, PictureRefused, judged
from tests.support import picture_files as files

LIMITS = Limits()
GOOD: dict[MediaType, bytes] = {"image/jpeg": files.jpeg(), "image/png": files.png(), "image/webp": files.webp()}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><title>no picture</title><script>alert(1)</script>"
OTHERS = {
    "nothing": (b"", "not_a_picture"),
    "text": (b"a picture, honestly", "not_a_picture"),
    "HTML": (HTML, "not_a_picture"),
    "HTML, a JPEG in it": (HTML + files.jpeg(), "not_a_picture"),
    "a script": (b"#!/bin/sh\nrm -r /\n", "not_a_picture"),
    "ZIP": (b"PK\x03\x04" + bytes(60), "not_a_picture"),
    "ELF": (b"\x7fELF" + bytes(60), "not_a_picture"),
    "SVG": (SVG, "format_refused"),
    "SVG behind a mark of its encoding": (b"\xef\xbb\xbf\n" + SVG, "format_refused"),
    "SVG behind an XML prologue": (b'<?xml version="1.0"?>\n<!-- -->' + SVG, "format_refused"),
    "SVG behind a comment": (b"<!-- " + b"x" * 500 + b" -->" + SVG, "format_refused"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "format_refused"),
    "EPS with a preview": (b"\xc5\xd0\xd3\xc6" + bytes(60), "format_refused"),
    "PDF": (b"%PDF-1.7\n", "format_refused"),
    "PDF, a JPEG in it": (b"%PDF-1.7\n" + files.jpeg(), "format_refused"),
    "TIFF": (files.saved(files.drawn(), "TIFF"), "format_refused"),
    "TIFF, the other way round": (b"MM\x00*" + bytes(60), "format_refused"),
    "GIF": (files.saved(files.drawn(), "GIF"), "format_refused"),
    "GIF, animated": (files.animated("GIF"), "format_refused"),
    "GIF that is a script": (b"GIF89a=1;alert(1)//", "format_refused"),
    "BMP": (files.saved(files.drawn(), "BMP"), "format_refused"),
    "ICO": (files.saved(files.drawn((32, 32)), "ICO"), "format_refused"),
    "HEIC": (b"\x00\x00\x00\x18ftypheic" + bytes(60), "format_refused"),
    "a film": (b"\x00\x00\x00\x18ftypmp42" + bytes(60), "format_refused"),
    "JPEG 2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "format_refused"),
}


def refused(data: bytes, **said: str) -> tuple[str, str]:
    with pytest.raises(PictureRefused) as caught:
        sized(data, judged(data, LIMITS, **said), LIMITS)
    return caught.value.code, str(caught.value)


@pytest.mark.parametrize("media_type", sorted(GOOD))
def test_what_it_is_stands_in_its_first_bytes(media_type: MediaType) -> None:
    """Size as well: nothing is decoded for either."""
    assert judged(GOOD[media_type], LIMITS) == media_type
    assert sized(GOOD[media_type], media_type, LIMITS) == (320, 200)


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_other_formats_are_refused_by_name(name: str) -> None:
    """Whatever follows their first bytes."""
    data, code = OTHERS[name]
    found, message = refused(data)
    assert found == code
    assert "only JPEG, PNG and WebP are opened" in message


def test_the_event_says_what_the_file_must_be() -> None:
    """Another digest, or another type, is another file."""
    data = GOOD["image/jpeg"]
    right = sha256(data).hexdigest()
    assert judged(data, LIMITS, right, "image/jpeg") == "image/jpeg"
    assert judged(data, LIMITS, right.upper(), "IMAGE/JPEG") == "image/jpeg"
    assert refused(data + b"x", digest=right)[0] == "digest_differs"
    assert refused(data, digest="0" * 64)[0] == "digest_differs"
    assert refused(data, media_type="image/png") == (
        "format_refused",
        "the event announced 'image/png', and the file is image/jpeg",
    )


def test_bombs_are_refused_by_what_their_header_says() -> None:
    """A few hundred bytes that claim gigapixels never reach a decoder."""
    vp8x = b"RIFF\x00\x00\x00\x00WEBPVP8X\n\x00\x00\x00\x00\x00\x00\x00" + b"\xff\xff\xff" * 2
    for data in (files.png_of(60_000, 60_000, b""), files.jpeg_of(65_000, 65_000), vp8x):
        code, message = refused(data)
        assert code == "too_large"
        assert "at most 50,000,000 are opened, and 16,384 on a side" in message
    assert refused(files.png_of(40_000, 2, b""))[0] == "too_large"
    assert refused(bytes(LIMITS.most_bytes + 1)) == (
        "too_large",
        "the file has 20,971,521 bytes; at most 20,971,520 are opened",
    )


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 400), st.binary(max_size=8), st.booleans())
def test_broken_headers_are_refused_or_sized(media_type: MediaType, at: int, other: bytes, cut: bool) -> None:
    """Whatever stands in them: a size within the limits, or a refusal, and no other error."""
    data = GOOD[media_type][:at] + other + (b"" if cut else GOOD[media_type][at + len(other) :])
    try:
        width, height = sized(data, judged(data, LIMITS), LIMITS)
    except PictureRefused:
        return
    assert 0 < width * height <= LIMITS.most_pixels
