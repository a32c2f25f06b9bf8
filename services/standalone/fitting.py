"""What a terminal of any width must not lose: numbers are shown shorter, or names are, before a number goes."""

from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_UNBOUNDED = 10_000


class FirstThatFits:
    """Several tables of the same, the fullest first: the first that fits is shown, else the last. None expands."""

    def __init__(self, *ways: Table) -> None:
        self._ways = ways

    def __rich_console__(self, console: Any, options: ConsoleOptions) -> RenderResult:
        """Measure, and yield one over the whole width."""
        chosen = self._ways[-1]
        for way in self._ways:
            if Measurement.get(console, options.update(width=_UNBOUNDED), way).maximum <= options.max_width:
                chosen = way
                break
        chosen.expand = True
        yield chosen


class ByWidth:
    """Two arrangements of the same: `wide` from so many columns on."""

    def __init__(self, columns: int, wide: RenderableType, narrow: RenderableType) -> None:
        self._columns, self._wide, self._narrow = columns, wide, narrow

    def __rich_console__(self, console: Any, options: ConsoleOptions) -> RenderResult:
        """Yield the segments of one, at the height that is asked for."""
        yield from console.render(self._wide if options.max_width >= self._columns else self._narrow, options)


class Newest:
    """One line of which the end is shown, where not all of it fits."""

    def __init__(self, line: str, style: str) -> None:
        self._line, self._style = line, style

    def __rich_console__(self, console: Any, options: ConsoleOptions) -> RenderResult:
        """Yield as much of the line as there is room for."""
        yield Text(self._line[-options.max_width :], self._style)


def cut(text: str, width: int) -> str:
    """Return the text in at most `width` cells; what is cut off leaves an ellipsis."""
    if cell_len(text) <= width:
        return text
    return f"{set_cell_size(text, width - 1).rstrip()}…" if width > 0 else ""


def cut_before(text: str, numbers: str, width: int) -> str:
    """Return text and numbers in `width` cells: of the two the text is cut."""
    kept = cut(text, width - cell_len(numbers) - 1)
    return f"{kept} {numbers}" if kept else numbers
