"""Rich on the terminal, with one rule: what came from somebody else is neither markup nor an escape sequence.

Markup in a string is ours. A value goes in as `literal`, or within a line of markup as `inline`.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any, Protocol

from rich.console import Console, ConsoleOptions, RenderableType  # noqa: TID251 — the one place
from rich.progress import Progress, ProgressColumn
from rich.segment import Segment
from rich.text import Text

from proofwatch.plain import one_line, printable
from proofwatch.runtime.streams import unfiltered

_BRACKET = re.compile(r"(\\*)\[")
_TAG = re.compile(r"\[[a-z#/@][^[]*?]")


class Terminal(Console):
    """A console whose text is `printable`, whatever it is part of; Rich's own control sequences stay."""

    def __init__(
        self, file: IO[str] | None = None, *, stderr: bool = False, highlight: bool = False, width: int | None = None
    ) -> None:
        """`file` None: standard output, or standard error."""
        target = unfiltered(file or (sys.stderr if stderr else sys.stdout))
        super().__init__(file=target, highlight=highlight, width=width, emoji=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """Return the text with its markup; it is cleaned before its width is measured."""
        return super().render_str(printable(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments; those of `Text`, which never were strings, are cleaned here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


class Advance(Protocol):
    """Takes how much is done, and of how much; None: nobody knows."""

    def __call__(self, done: int, total: int | None, /) -> None: ...  # noqa: D102


def literal(value: str, style: str = "") -> Text:
    """Return somebody's value as a cell or a line of its own; one that is too long goes on in the next line."""
    return Text(one_line(value), style, overflow="fold")


def inline(value: str) -> str:
    """Return somebody's value as part of a line of markup; a word must stand between it and the next tag.

    Not Rich's `escape`: that doubles a backslash at the end, and loses one in front of a bracket that opens no tag.
    """
    return _BRACKET.sub(_escaped, one_line(value))


def _escaped(bracket: re.Match[str]) -> str:
    """Return a bracket that stays one; Rich halves the backslashes of a tag, and takes one from any other."""
    backslashes = bracket[1] * 2 if _TAG.match(bracket.string, bracket.end() - 1) else bracket[1]
    return rf"{backslashes}\["


@contextmanager
def progress_bar(doing: str, *columns: str | ProgressColumn) -> Iterator[Advance]:
    """Show how far something is, on a terminal only; without columns in Rich's own.

    `doing` is in our own words, or its column has `markup=False`.
    """
    terminal = Terminal(stderr=True)
    # not redirected: Rich would read what is printed meanwhile for colours and links
    with Progress(
        *columns,
        console=terminal,
        transient=True,
        disable=not terminal.is_terminal,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task(one_line(doing), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
