"""What a query answers with, as a table for people, as CSV or as JSON: the same rows, numbers stay numbers."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TextIO

import msgspec
from rich.table import Table

from proofwatch.csv_file import Cell, write_csv
from proofwatch.runtime.terminal import Terminal, literal

FORMATS: Final = ("table", "json", "csv")
_PLAIN_WIDTH: Final = 140  # of a file or a pipe, where there is no window to fit
_STYLES: Final = {"PASS": "green", "BREACH": "red", "INSUFFICIENT": "yellow"}


class Sheet(NamedTuple):
    """Columns and rows as programs read them; headings and texts as people do; sentences about where they are from.

    `about` stands beside the rows in JSON.
    """

    title: str
    about: dict[str, Any]
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    headings: Sequence[str]
    texts: Sequence[Sequence[str]]
    notes: Sequence[str]


def write(sheet: Sheet, form: str, out: TextIO, beside: TextIO) -> None:
    """Write to `out`; the notes go into the document, under the table, or beside a CSV."""
    if form == "json":
        rows = [dict(zip(sheet.columns, row, strict=True)) for row in sheet.rows]
        document = msgspec.json.encode({**sheet.about, "rows": rows, "notes": list(sheet.notes)})
        out.write(msgspec.json.format(document, indent=2).decode() + "\n")
        return
    if form == "csv":
        write_csv(out, sheet.columns, sheet.rows)
        beside.writelines(f"{note}\n" for note in sheet.notes)
        return
    terminal = Terminal(out, width=None if out.isatty() else _PLAIN_WIDTH)
    table = Table(title=literal(sheet.title, "table.title"), title_justify="left")
    for n, heading in enumerate(sheet.headings):
        table.add_column(heading, justify="left" if n == 0 else "right", overflow="fold")
    for row in sheet.texts:
        table.add_row(*(literal(text, _STYLES.get(text, "")) for text in row))
    terminal.print(table)
    for note in sheet.notes:
        terminal.print(literal(note))


def percent(share: float | None) -> str:
    """Return a rate in percent."""
    return "–" if share is None else f"{share:.3%}"


def count(n: int | None) -> str:
    """Return a count with separators."""
    return "–" if n is None else f"{n:,}"


def interval(low: float | None, high: float | None) -> str:
    """Return an interval in percent; nothing without one."""
    return "" if low is None or high is None else f"{low:.3%}–{high:.3%}"
