"""What came from somebody else, made fit to be looked at: no character of it acts on a terminal or a reader's eye."""

import json
import re
from typing import Final

# C0, DEL and C1 (escape sequences begin with them); separators that terminals take for line ends; every character with
# the property Bidi_Control, which reorders what stands around it; surrogates and non-characters, which nothing encodes.
_ACTING: Final = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff"
)
_LINES: Final = re.compile(f"[{_ACTING}]")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_ONE_LINE: Final = re.compile(f"[{_ACTING}\t\n]")


def printable(text: str) -> str:
    r"""Return the text with every acting character spelled out (`\u001b`); tabs and line feeds stay.

    JSON keeps its meaning: that is how JSON itself spells them.
    """
    return _LINES.sub(_spelled, text)


def one_line(text: str) -> str:
    r"""Return a value that is to stand within a line: `printable`, and tabs and line feeds are spelled out too."""
    return _ONE_LINE.sub(_spelled, text)


def in_ascii(text: str) -> str:
    r"""Return the text with every character beyond ASCII spelled out (`\u0430`); JSON keeps its meaning."""
    return _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def told_apart(name: str) -> str:
    """Return a name, and beside it how it is spelled where that is beyond ASCII: it may look like another one."""
    return name if name.isascii() else f"{name} ({in_ascii(name)})"


def _spelled(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
