"""Reasons that people give, and names that they state: on record for good, so they must say something and print."""

import unicodedata
from typing import Final

LONGEST_NAME: Final = 256
LONGEST_REASON: Final = 2_000
"""What an entry of the audit log takes (`audit.entry`), in characters."""

_LINE_BREAKS: Final = frozenset("\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029")
_JOINERS: Final = frozenset("\u200c\u200d")
_FIRST_JOINED: Final = "\u0590"
"""Before it are Latin, Greek, Cyrillic and Armenian, whose letters no joiner belongs between."""
# letters, marks and symbols that are drawn as nothing: Default_Ignorable_Code_Point beyond category Cf, and blanks
_UNSEEN: Final = (
    (0x034F, 0x034F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800), (0x3164, 0x3164),
    (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xE0100, 0xE01EF),
)  # fmt: skip


def stated(reason: str) -> str:
    """Return a reason without what surrounds it; empty where nothing in it can be read, but invisible characters."""
    found = reason.strip()
    return found if any(each.isalnum() for each in found) else ""


def unfit(text: str, longest: int) -> str | None:
    """Return why a text cannot stay on record, and what would be right, as the end of a sentence; None: it can.

    `longest`: in characters. A look-alike of another name is none of it: names may be in any script.
    """
    if len(text) > longest:
        return f"has {len(text):,} characters; at most {longest:,} are right"
    for place, each in enumerate(text, 1):
        if wrong := _wrong(text, place - 1, each):
            what, right = wrong
            return f"{what} (character {place}){right}"
    return None


def _wrong(text: str, at: int, each: str) -> tuple[str, str] | None:
    if each in _LINE_BREAKS:
        return "has a line break", "; write it in one line"
    category = unicodedata.category(each)
    if category == "Cs":
        return "is no text in UTF-8", "; type it anew"
    if each in _JOINERS and _joined(text[at - 1 : at]) and _joined(text[at + 1 : at + 2]):
        return None
    unseen = any(first <= ord(each) <= last for first, last in _UNSEEN)
    if unseen or not (each.isprintable() or category == "Zs"):
        name = unicodedata.name(each, "")
        return f"has U+{ord(each):04X} {name}".rstrip(), ", which nobody sees; leave it out"
    return None


def _joined(neighbour: str) -> bool:
    """Return whether it is a letter or a mark of a script whose letters join."""
    return neighbour >= _FIRST_JOINED and unicodedata.category(neighbour)[0] in "LM"
