"""Spans of time as the routes file writes them: `30s`, `5m`, `4h`, `1d`, `1h30m`, or `0s`."""

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

_UNITS_MS: Final = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000}
_WHOLE: Final = re.compile(r"(?:\d{1,5}[dhms]){1,4}", re.ASCII)
_PART: Final = re.compile(r"(\d+)([dhms])", re.ASCII)


def milliseconds(text: object) -> int:
    """Return how long it is. Raises `ValueError`, saying what would be right."""
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        msg = "is no span of time: write 30s, 5m, 4h, 1d or 1h30m"
        raise ValueError(msg)
    return sum(int(count) * _UNITS_MS[unit] for count, unit in _PART.findall(text))


def words(span_ms: int) -> str:
    """Return it as the file writes it, the largest units first: 5,400,000 is `1h30m`."""
    parts = []
    for unit, unit_ms in _UNITS_MS.items():
        count, span_ms = divmod(span_ms, unit_ms)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


Span = Annotated[int, BeforeValidator(milliseconds)]
"""Milliseconds, written as text."""
