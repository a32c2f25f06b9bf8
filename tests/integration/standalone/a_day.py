"""A run of the demo that several tests look at."""

from pathlib import Path
from typing import Final, NamedTuple

EVENTS: Final = 6_000


class ADay(NamedTuple):
    """A demo that nobody may change: its folder, and what it said at its end."""

    out: Path
    said: str
