"""What is written across a picture, so that a photo of the screen says who was looking, at which case, when."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

LINE: Final = 20
"""Characters of a line: a time to the second, or more than half of a UUID."""
LONGEST: Final = 64
"""Characters of a person's or a case's id."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Who looks, at which case, since when. `at` has a zone. Raises `ValueError` for what cannot be written."""

    person: str
    case: str
    at: datetime

    def __post_init__(self) -> None:
        for name, given in (("person", self.person), ("case", self.case)):
            if not given.strip() or len(given) > LONGEST:
                raise ValueError(f"a watermark's {name} has 1 to {LONGEST} characters, not {len(given)}")
        if self.at.utcoffset() is None:
            raise ValueError("a watermark's time needs a zone")

    def lines(self) -> tuple[str, ...]:
        """Return what is written: printable ASCII, at most `LINE` characters each, nothing left out."""
        at = self.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return (*_wrapped(self.person), *_wrapped(self.case), *_wrapped(at))


def _wrapped(text: str) -> list[str]:
    # every letter outside ASCII by its number: a font without it would show a box, the same for everybody
    readable = "".join(c if " " <= c <= "~" else f"<{ord(c):x}>" for c in text)
    return [readable[at : at + LINE] for at in range(0, len(readable), LINE)]
