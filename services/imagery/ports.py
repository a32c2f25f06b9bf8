"""What imagery needs from outside."""

from dataclasses import dataclass
from typing import Protocol

from services.imagery.core.location import Location
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import MediaType


class StoreError(Exception):
    """The store gave nothing. The message names store and reason, never the object."""


class StoreAway(StoreError):
    """It does not answer, answers too slowly, or breaks off: try again later."""


class NotThere(StoreError):
    """It answers, and has no such object."""


class TooLarge(StoreError):
    """The object has more bytes than were asked for; none of them was kept."""


class StoreRefused(StoreError):
    """It answers and does not give the object, or points elsewhere: an operator changes a setting."""


class ImageryStore(Protocol):
    """Where pictures are kept; what it gives is whole or an error."""

    async def fetch(self, location: Location, most_bytes: int) -> bytes:
        """Return the object's bytes, at most so many. Raises `StoreAway`, `NotThere`, `TooLarge`, `StoreRefused`."""
        ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture that may be shown: made anew from pixels, with its watermark."""

    data: bytes
    media_type: MediaType
    width: int
    height: int


class Renderer(Protocol):
    """Makes of a file what may be shown."""

    async def render(
        self, data: bytes, mark: Watermark, *, blurred: bool, digest: str | None = None, media_type: str | None = None
    ) -> Rendered:
        """Return the picture as JPEG with the mark across it, without anything else that the file held.

        `digest`, `media_type`: what the event says of the file; None: nothing. `blurred`: what is left of it has no
        detail. Raises `PictureRefused`; a cancelled call leaves no process behind.
        """
        ...
