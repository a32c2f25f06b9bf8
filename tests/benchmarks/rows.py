"""A table of text, and the words that tables share."""

from collections.abc import Sequence
from typing import NamedTuple


class Rows(NamedTuple):
    """A table: its title, its column heads (the first is text, the others are numbers), and its rows."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def met(value: bool) -> str:
    """Return the word for a target."""
    return "met" if value else "not met"
