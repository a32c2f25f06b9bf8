"""How people spell the truth about a trial, in our words. Case, blanks, hyphens and underscores make no difference."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR

PAIRS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        GENUINE: ("genuine", "mated", "same", "same person", "same identity", "authentic", "gen"),
        IMPOSTOR: (
            "impostor",
            "imposter",
            "non-mated",
            "unmated",
            "different",
            "different person",
            "zero effort",
            "imp",
        ),
    }
)
PRESENTATIONS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        BONA_FIDE: ("bona fide", "live", "real", "genuine", "human", "bf"),
        ATTACK: ("attack", "spoof", "spoofed", "fake", "presentation attack", "attack presentation", "pa"),
    }
)
"""Our word → spellings that mean it; 0 and 1, yes and no are not among them, for files disagree about them."""

_BETWEEN: Final = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())


_PAIRS: Final = {_plain(spelling): word for word, spellings in PAIRS.items() for spelling in spellings}
_PRESENTATIONS: Final = {_plain(spelling): word for word, spellings in PRESENTATIONS.items() for spelling in spellings}


def pair_word(text: str) -> str | None:
    """Return `genuine` or `impostor` for a common spelling of it; None: it is none."""
    return _PAIRS.get(_plain(text))


def presentation_word(text: str) -> str | None:
    """Return `bona_fide` or `attack` for a common spelling of it; None: it is none."""
    return _PRESENTATIONS.get(_plain(text))


def said(words: Mapping[str, tuple[str, ...]]) -> str:
    """Return in words what is read as what: "genuine (mated, same, …), impostor (imposter, …)"."""
    return ", ".join(f"{word} (or {', '.join(spellings[1:])})" for word, spellings in words.items())
