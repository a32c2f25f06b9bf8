"""CSV as spreadsheets open it: a cell of text is never a formula, and a number stays one.

Every CSV of ours is written here; `csv.writer` and `csv.DictWriter` are not called elsewhere (ruff sees to it).
"""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import IO, Final

Cell = str | int | float | None

# What spreadsheets begin a formula with, its full-width forms too, after anything that they skip: blanks, controls,
# invisible characters. A tab or line break in front is enough: some programs drop it and read on.
_SKIPPED: Final = r"[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
_FORMULA: Final = re.compile(_SKIPPED + r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def cell(value: Cell) -> Cell:
    """Return what to write for a value; text that a spreadsheet would compute gets an apostrophe before it."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) or not _FORMULA.match(value):
        return value
    return f"'{value}"


def write_csv(file: IO[str], columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a header and rows. `file` is open with `newline=""`.

    All text is in quotes, so that a program that splits at semicolons or tabs finds no cell within a cell.
    """
    writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")  # noqa: TID251 — the one place
    writer.writerow([cell(name) for name in columns])
    writer.writerows([cell(value) for value in row] for row in rows)
