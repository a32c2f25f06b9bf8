"""Labels and groups as files spell them."""

import re
import unicodedata
from typing import Final

from proofwatch.biometrics.spellings import pair_word, presentation_word
from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR

LONGEST_SPECIES: Final = 64
"""Characters that a label event keeps of a species; a species of a file ends there too, wherever it is counted."""
YES_OR_NO: Final = frozenset({"0", "1", "true", "false", "yes", "no", "y", "n", "t", "f"})
"""Truths that say nothing by themselves: of what?"""
_BLANKS: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")
_LOOK_ALIKE: Final = str.maketrans(
    # Cyrillic and Greek letters that look like Latin ones, in lower case
    "аеіјорсухѕԁһԛԝвмнткαειονρτυχκμηβ",
    "aeijopcyxsdhqwbmhtkaeiovptuxkmnb",
)


def pair_of(text: str) -> str | None:
    """Return `genuine` or `impostor`; None: the spelling is not known."""
    return text if text in (GENUINE, IMPOSTOR) else pair_word(text)


def presentation_of(text: str) -> str | None:
    """Return `bona_fide` or `attack`; None: the spelling is not known."""
    return text if text in (BONA_FIDE, ATTACK) else presentation_word(text)


def group_of(text: str) -> str | None:
    """Return a group's name in one form where Unicode has two for the same text, without invisible characters."""
    if text.isascii():
        return text
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", text)).strip() or None


def likeness(text: str) -> str:
    """Return what two spellings have in common that a reader would take for one: case, width, look-alike letters."""
    plain = unicodedata.normalize("NFKC", text).casefold() if not text.isascii() else text.lower()
    return re.sub(r"[\s_\-]+", " ", plain.translate(_LOOK_ALIKE)).strip()
