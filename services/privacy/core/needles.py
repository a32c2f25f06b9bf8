"""What to look for when somebody is looked for: their reference as it may be written."""

import base64
import json
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

SHORTEST: Final = 6
"""A shorter reference would be found everywhere by chance."""
_LETTERS: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")


class Needle(NamedTuple):
    """Bytes that stand for something; `how` it is written."""

    what: str
    how: str
    body: bytes
    exact: bytes | None = None
    """In base64: what must stand there once it is decoded."""


def needles(what: str, text: str) -> list[Needle]:
    """Return a text in every way in which it is looked for. Raises `ValueError` for one that is too short."""
    raw = text.encode()
    if len(raw) < SHORTEST:
        raise ValueError(f"{what} must have at least {SHORTEST} bytes: a shorter one is found everywhere by chance")
    found = [Needle(what, "raw", raw)]
    found += [Needle(what, "hex", body.encode()) for body in (raw.hex(), raw.hex().upper())]
    found += [Needle(what, "utf-16", text.encode(order)) for order in ("utf-16-le", "utf-16-be")]
    found += [Needle(what, "base64", body, raw) for body in _base64(raw)]
    found += [
        Needle(what, how, body)
        for how, body in (("json", json.dumps(text)[1:-1].encode()), ("percent", quote(text, safe="").encode()))
        if body != raw
    ]
    return found


def _base64(raw: bytes) -> Iterable[bytes]:
    """Yield what stays the same of the text in base64, whatever stands before and behind it, in both alphabets."""
    whole = set()
    for before in range(3):
        first = -(-before * 8 // 6)  # the first sextet that is of our bytes alone
        last = (before + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole.add(encode(bytes(before) + raw)[first:last])
    return sorted(whole)


def matches(data: bytes, wanted: Iterable[Needle]) -> list[Needle]:
    """Return what stands in the data. Base64 is decoded around the place: its last letter is also of what follows."""
    return [needle for needle in wanted if needle.body in data and (needle.exact is None or _decodes(data, needle))]


def _decodes(data: bytes, needle: Needle) -> bool:
    assert needle.exact is not None, "only what is written in base64 is decoded"
    at = data.find(needle.body)
    while at >= 0:
        first, last = at, at + len(needle.body)
        while first > max(0, at - 3) and data[first - 1] in _LETTERS:
            first -= 1
        while last < min(len(data), at + len(needle.body) + 4) and data[last] in _LETTERS:
            last += 1
        letters = data[first:last].translate(_STANDARD)
        if any(needle.exact in _decoded(letters[skip:]) for skip in range(4)):
            return True
        at = data.find(needle.body, at + 1)
    return False


def _decoded(letters: bytes) -> bytes:
    rest = len(letters) % 4
    return base64.b64decode(letters[:-1] if rest == 1 else letters + b"=" * (-rest % 4))
