"""Passwords: argon2id, in the strength of RFC 9106's second choice (64 MiB, 3 passes, 4 lanes).

What is asked of a new one is NIST SP 800-63B-4, 3.1.1.2: length, and not what everybody guesses first; no rules of
composition, no expiry. Both calls take tenths of a second of processor time: never inside a transaction.
"""

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

SHORTEST: Final = 12
"""Characters."""
LONGEST: Final = 1024
"""Bytes."""
_FEWEST_DIFFERENT: Final = 5
_GUESSED: Final = ("password", "passw0rd", "qwerty", "123456", "letmein", "welcome", "proofwatch", "abcdef")
_HASHER: Final = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
NOBODYS: Final = "$argon2id$v=19$m=65536,t=3,p=4$+eDUG0gnLsik6A18ODF6+Q$TjgI5lKpQM7TF0gUAtITJ+Fl84vQTZtiTaAPgxxJHCQ"
"""A hash of what nobody knows, for a name that is not there: to verify against it costs as much."""


class WeakPassword(ValueError):
    """A new password is refused; the message says what is asked of one, and never quotes it."""


def hashed(password: str, name: str) -> str:
    """Return what is stored of a new password of the account `name`. Raises `WeakPassword`."""
    text = _bytes(password)
    if not len(password) >= SHORTEST or len(text) > LONGEST:
        raise WeakPassword(f"a password has at least {SHORTEST} characters and at most {LONGEST} bytes")
    folded = password.casefold()
    if name.casefold() in folded or len(set(folded)) < _FEWEST_DIFFERENT:
        raise WeakPassword("the password is among the first that are guessed: it has the name in it, or few characters")
    if any(folded.replace(each, "") != folded and len(folded) - len(each) < SHORTEST for each in _GUESSED):
        raise WeakPassword("the password is among the first that are guessed; a few unrelated words are better")
    return _HASHER.hash(text)


def verified(password: str, stored: str | None) -> bool:
    """Return whether it is the password of that hash; None: there is none, which takes as long."""
    text = _bytes(password)
    try:
        _HASHER.verify(stored or NOBODYS, text if len(text) <= LONGEST else b"")
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """Return whether a hash is weaker than what this release makes."""
    return _HASHER.check_needs_rehash(stored)


def rehashed(password: str) -> str:
    """Return a new hash of a password that has just been verified."""
    return _HASHER.hash(_bytes(password))


def _bytes(password: str) -> bytes:
    """Return the text in one form: keyboards differ in how they write the same character."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
