"""Bytes that look drawn and are the same in each run of a seed: for ids and salts, never for what is to be secret."""

from hashlib import shake_256
from itertools import count

from proofwatch.audit.pending import Draw


def seeded(seed: str) -> Draw:
    """Return what draws the bytes of this seed, one call after another."""
    calls = count()

    def draw(length: int) -> bytes:
        return shake_256(f"{seed}/{next(calls)}".encode()).digest(length)

    return draw
