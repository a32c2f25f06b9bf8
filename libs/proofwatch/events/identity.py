"""Deterministic identifiers: the same cause gives the same id, live, replayed or after a crash."""

from hashlib import sha1
from typing import Final, Protocol
from uuid import UUID

NAMESPACE: Final = UUID("6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11")

_BEGUN: Final = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANT_AND_VERSION: Final = 0b11 << 62 | 0b1111 << 76
_RFC_9562_VERSION_5: Final = 0b10 << 62 | 5 << 76


def derived_id(kind: str, *parts: object) -> str:
    """Return the UUID (version 5, RFC 9562 section 5.5) of what caused a thing, as text.

    None parts count as empty, and stay apart by position. (`uuid.uuid5` gives the same at four times the price.)
    """
    name = "/".join([kind, *["" if part is None else str(part).replace("/", "%2F") for part in parts]])
    digest = _BEGUN.copy()
    digest.update(name.encode())
    number = int.from_bytes(digest.digest()[:16], "big") & ~_VARIANT_AND_VERSION | _RFC_9562_VERSION_5
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class OfAnAttempt(Protocol):
    """Whatever may be about one attempt of several."""

    @property
    def attempt_id(self) -> str | None:
        """Which attempt; None: the only one, or the first."""
        ...


def attempt_of(event: OfAnAttempt) -> tuple[str, ...]:
    """Return what ids of what follows from an attempt end with; nothing where there is but one."""
    return () if event.attempt_id is None else ("attempt", event.attempt_id)
