"""Cursors of changes: a place in the order in which they were committed."""

from typing import Annotated, Final

import msgspec

from proofwatch.web.cursors import read
from services.triage.core.news import Place

PLACE: Final = msgspec.json.Decoder(
    tuple[Annotated[int, msgspec.Meta(ge=0, le=2**62)], Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]{0,128}$")]]
)


def place_of(cursor: str) -> Place:
    """Return the place of a cursor of changes. Raises `Problem`."""
    return Place(*read(cursor, PLACE))
