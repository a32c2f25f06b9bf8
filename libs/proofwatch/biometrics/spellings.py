"""How people spell the truth about a trial, in our words. Case, blanks, hyphens and underscores make no difference."""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR, INJECTION, attack_class, injection_class

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
PRESENTED: Final = "presentation"
ATTACK_KINDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        PRESENTED: ("presentation", "presentation attack", "presented", "pa"),
        INJECTION: ("injection", "injection attack", "injected", "digital injection", "video injection"),
    }
)
"""Our word → spellings that mean it; 0 and 1, yes and no are not among them, for files disagree about them."""

_INJECTED: Final = ("inject", "virtualcam")
"""What a species says that is no presentation attack instrument but a way of injection, however it goes on."""

_BETWEEN: Final = re.compile(r"[\W_]+")


def _plain(text: str) -> str:
    return _BETWEEN.sub("", unicodedata.normalize("NFKC", text).casefold())


_PAIRS: Final = {_plain(spelling): word for word, spellings in PAIRS.items() for spelling in spellings}
_PRESENTATIONS: Final = {_plain(spelling): word for word, spellings in PRESENTATIONS.items() for spelling in spellings}
_ATTACK_KINDS: Final = {_plain(spelling): word for word, spellings in ATTACK_KINDS.items() for spelling in spellings}


def pair_word(text: str) -> str | None:
    """Return `genuine` or `impostor` for a common spelling of it; None: it is none."""
    return _PAIRS.get(_plain(text))


def presentation_word(text: str) -> str | None:
    """Return `bona_fide` or `attack` for a common spelling of it; None: it is none.

    An injection is an attack, of another kind: see `attack_kind_of`.
    """
    return _PRESENTATIONS.get(_plain(text)) or (ATTACK if attack_kind_word(text) == INJECTION else None)


def attack_kind_of(presentation: str) -> str | None:
    """Return `injection` where a spelling of `presentation` says so; None: it says nothing of the kind of attack."""
    return INJECTION if attack_kind_word(presentation) == INJECTION else None


def attack_kind_word(text: str) -> str | None:
    """Return `presentation` or `injection` for a common spelling of it; None: it is none."""
    return _ATTACK_KINDS.get(_plain(text))


def names_injection(species: str | None) -> bool:
    """Return whether what stands for a species names a way of injection: virtual camera, injected video."""
    if not species:
        return False
    plain = _plain(species)
    return any(word in plain for word in _INJECTED)


def truth_class(presentation: str | None, species: str | None, attack_kind: str | None = None) -> str | None:
    """Return the class of what was presented: bona_fide, attack:<species> or injection:<method>; None: nobody says.

    `attack_kind` is `presentation` or `injection`; where nobody states it, a species that names a way of injection is
    one: an injection attack presents nothing to a sensor and is no presentation attack.
    """
    if presentation != ATTACK:
        return presentation
    injected = names_injection(species) if attack_kind is None else attack_kind == INJECTION
    return injection_class(species) if injected else attack_class(species)


def said(words: Mapping[str, tuple[str, ...]]) -> str:
    """Return in words what is read as what: "genuine (mated, same, …), impostor (imposter, …)"."""
    return ", ".join(f"{word} (or {', '.join(spellings[1:])})" for word, spellings in words.items())
