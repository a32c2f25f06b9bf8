"""What pages are made of, as data; `templates/parts.html` has the markup."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup


class Table(NamedTuple):
    """Rows of text; the first cell of each names it."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Plot(NamedTuple):
    """A drawing, what it is of, and its numbers."""

    drawn: Markup
    caption: str
    numbers: Table
