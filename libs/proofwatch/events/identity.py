"""Deterministic identifiers: the same cause gives the same id, live, replayed or after a crash."""

from typing import Final
from uuid import UUID, uuid5

NAMESPACE: Final = UUID("6f1a7a52-2f0e-5a53-9d0c-0b8f3c6f4b11")


def derived_id(kind: str, *parts: object) -> str:
    """Return the uuid5 of what caused a thing, as text; None parts count as empty, and stay apart by position."""
    return str(
        uuid5(NAMESPACE, "/".join([kind, *("" if part is None else str(part).replace("/", "%2F") for part in parts)]))
    )
