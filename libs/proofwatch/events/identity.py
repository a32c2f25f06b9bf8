"""Deterministic identifiers: the same cause gives the same id, live, replayed or after a crash."""

from hashlib import sha1
from typing import Final, Protocol
from uuid import UUID

NAMESPACE: Final = UUID("6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11")

_BEGUN: Final = sha1(NAMESPACE.bytes, usedforsecurity=False)
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
"""By the hexadecimal digit that the hash has there: the same with the two bits of RFC 9562's variant."""


def derived_id(kind: str, *parts: object) -> str:
    """Return the UUID (version 5, RFC 9562 section 5.5) of what caused a thing, as text.

    None parts count as empty, and stay apart by position. (`uuid.uuid5` gives the same at four times the price.)
    """
    texts = [part if type(part) is str else "" if part is None else str(part) for part in parts]
    name = "/".join([kind, *texts])
    if name.count("/") > len(texts):  # hardly ever
        name = "/".join([kind, *[text.replace("/", "%2F") for text in texts]])
    digest = _BEGUN.copy()
    digest.update(name.encode())
    text = digest.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def case_id(tenant: str, kind: str, source_id: str) -> str:
    """Return the id of the case that a suspicion ("subject") or an incident ("incident") opens."""
    return derived_id("case", tenant, kind, source_id)


class OfAnAttempt(Protocol):
    """Whatever may be about one attempt of several."""

    @property
    def attempt_id(self) -> str | None:
        """Which attempt; None: the only one, or the first."""
        ...


def attempt_of(event: OfAnAttempt) -> tuple[str, ...]:
    """Return what ids of what follows from an attempt end with; nothing where there is but one."""
    return () if event.attempt_id is None else ("attempt", event.attempt_id)
