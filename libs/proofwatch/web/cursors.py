"""Cursors: a place in an order, as text that is ours to read."""

import base64
from typing import Any, TypeVar

import msgspec

from proofwatch.web.problems import Problem

_T = TypeVar("_T")


def written(place: Any) -> str:
    """Return the cursor of a place."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def read(cursor: str, decoder: msgspec.json.Decoder[_T]) -> _T:
    """Return what a cursor says. Raises `Problem`."""
    try:
        return decoder.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, msgspec.MsgspecError):  # binascii's is a ValueError
        raise bad_cursor() from None


def bad_cursor() -> Problem:
    """Return what is said of a cursor that nobody can have."""
    return Problem(422, "bad_cursor", "the cursor is not one of ours, or not of this database: begin again without")
