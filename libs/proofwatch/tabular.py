"""Score tables: CSV and JSON Lines files of trials, read row by row.

A cell is text without surrounding blanks, or None when it is blank, absent or null. In JSON Lines the columns are
the keys of all lines together; numbers keep the digits they were written with. Every complaint names file,
line and column, and what would be right, but never quotes a cell: a shifted column may hold a person's data.

A row that is broken (too many or too few cells, a quote in the wrong place, a line cut short) stops nothing: it is
yielded without cells and with what is wrong, for whoever reads it to refuse.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from proofwatch.textfile import LONGEST, SUFFIXES, TableError, kind_of, lines

__all__ = ["JSON_LINES", "SUFFIXES", "Row", "Table", "TableError", "open_table"]

JSON_LINES: Final = (".jsonl", ".ndjson")
GIANT: Final = 131_072
"""Characters from which on a cell holds no score, time or name; imagery does."""
_DELIMITERS: Final = ",;\t|"
_NAMED_DELIMITER: Final = re.compile(r"sep=(.)\s*")
_JSON: Final = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_KEPT: Final = 1_024
_QUOTES: Final = "has a quote in the wrong place"
_DELIMITER_NAMES: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


class Row(msgspec.Struct, frozen=True):
    """One row: the file's name, the line it starts on (from 1), and its cells by column.

    `unread`: what is wrong with cells that hold more than text of a reasonable length, by column. `broken`: what is
    wrong with the row as a whole, which then has no cells; blank: nothing.
    """

    file: str
    line: int
    values: dict[str, str | None]
    unread: dict[str, str] = {}
    broken: str = ""


class Table:
    """A table whose columns are known; `rows` may be called again and reads the file anew."""

    def __init__(
        self,
        file: str,
        columns: tuple[str, ...],
        read: Callable[["Table", Collection[str] | None], Iterator[Row]],
        delimiter: str = "",
    ) -> None:
        """`delimiter`: what separates cells; blank: it is JSON Lines. `giants`: rows with giant cells, by column."""
        self.file = file
        self.columns = columns
        self.delimiter = delimiter
        self.giants = Counter[str]()
        self._read = read

    def rows(self, only: Collection[str] | None = None) -> Iterator[Row]:
        """Yield the rows, with the cells of these columns only; None: all. Raises `TableError`."""
        self.giants.clear()
        return self._read(self, only)


def open_table(path: Path) -> Table:
    """Return the table in `path`, by its suffix: those of `SUFFIXES`, each also with .gz.

    Reads the header of a CSV file, and a JSON Lines file once to its end (its columns are not known before). CSV may be
    separated by commas, semicolons, tabs or vertical bars: by what its header has most of. Raises `TableError`, here or
    while rows are read, for a missing file, another suffix, text in an unknown encoding, a missing or ambiguous header,
    a quote that never ends, or a file of which no line is a JSON object.
    """
    suffix = kind_of(path)
    if suffix in JSON_LINES:
        seen: dict[str, None] = {}
        broken: tuple[int, str] | None = None
        for line, document in _json_documents(path):
            if isinstance(document, str):
                broken = broken or (line, document)
            else:
                seen.update(dict.fromkeys(document))
        if broken and not seen:
            raise TableError(f"{path}, line {broken[0]}: {broken[1]}; write one object per line")
        return Table(str(path), tuple(seen), lambda table, only: _json_rows(table, path, only))
    delimiter, skip = _dialect(path)
    columns = _csv_columns(path, delimiter, skip)
    return Table(str(path), columns, lambda table, only: _csv_rows(table, path, only, skip), delimiter)


def _dialect(path: Path) -> tuple[str, int]:
    """Return what separates cells, and how many lines come before the header."""
    header = next(iter(lines(path)), "")
    if named := _NAMED_DELIMITER.fullmatch(header):
        return named[1], 1
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count), 0


def _csv_cells(path: Path, delimiter: str, skip: int) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each CSV record that is not an empty line, or what is wrong with it, with the line that it starts on."""
    csv.field_size_limit(LONGEST)
    source = lines(path)
    for _ in range(skip):
        next(source, None)
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    while True:
        start = reader.line_num + 1 + skip
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            # A cell that grew until the end, or to the limit, has swallowed the rows that come after it.
            if "expected after" not in str(error):
                raise TableError(f"{path}, line {start}: is not CSV ({error}); check its quotes") from error
            yield start, _QUOTES
            continue
        if cells:
            yield start, cells


def _csv_columns(path: Path, delimiter: str, skip: int) -> tuple[str, ...]:
    line, cells = next(_csv_cells(path, delimiter, skip), (1, []))
    if isinstance(cells, str):
        raise TableError(f"{path}, line {line}: the header {cells}; check its quotes")
    if not cells:
        raise TableError(f"{path}, line 1: has no header; the first line must name the columns")
    columns: list[str] = []
    for place, name in enumerate((cell.strip() for cell in cells), 1):
        # A column without a name is what tools write for row numbers; nobody can ask for it.
        named = name or f"column {place}"
        if named in columns:
            raise TableError(f"{path}, line {line}, column {named}: is named twice; give each column its own name")
        columns.append(named)
    return tuple(columns)


def _csv_rows(table: Table, path: Path, only: Collection[str] | None, skip: int) -> Iterator[Row]:
    columns, file, width, giants = table.columns, table.file, len(table.columns), table.giants
    wanted = [(i, name) for i, name in enumerate(columns) if only is None or name in only]
    records = _csv_cells(path, table.delimiter, skip)
    next(records, None)
    for line, cells in records:
        if isinstance(cells, str) or len(cells) != width:
            wrong = cells if isinstance(cells, str) else _misshapen(len(cells), width, table.delimiter)
            yield Row(file, line, {}, broken=wrong)
            continue
        values = {name: cells[i].strip() or None for i, name in wanted}
        unread: dict[str, str] = {}
        if sum(map(len, cells)) >= GIANT:
            for name, cell in zip(columns, cells, strict=True):
                if len(cell) >= GIANT:
                    giants[name] += 1
                    if name in values:
                        values[name], unread[name] = cell[:_KEPT], f"is longer than {GIANT:,} characters"
        yield Row(file, line, values, unread)


def _misshapen(cells: int, width: int, delimiter: str) -> str:
    if cells > width:
        mark = _DELIMITER_NAMES.get(delimiter, "separator")
        why = f"has more cells than the header has columns, {width}; a {mark} within a cell, "
        return why + ("a decimal comma too, needs quotes" if delimiter == "," else "needs quotes")
    return f"has fewer cells than the header has columns, {width}; is it cut short?"


def _json_documents(path: Path) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yield each object, or what is wrong with it, with its line."""
    for line, text in enumerate(lines(path), 1):
        if not text.strip():
            continue
        try:
            # Numbers, and the NaN that strict JSON does not have, stay text: whoever reads a score judges them.
            document = _JSON.decode(text)
        except (ValueError, RecursionError):
            yield line, "is not JSON"
            continue
        yield line, document if isinstance(document, dict) else "is not a JSON object"


def _json_rows(table: Table, path: Path, only: Collection[str] | None) -> Iterator[Row]:
    for line, document in _json_documents(path):
        if isinstance(document, str):
            yield Row(table.file, line, {}, broken=document)
            continue
        values: dict[str, str | None] = {}
        unread: dict[str, str] = {}
        for column, value in document.items():
            if isinstance(value, str) and len(value) >= GIANT:
                table.giants[column] += 1
            if only is not None and column not in only:
                continue
            if isinstance(value, bool):
                values[column] = "true" if value else "false"
            elif value is None or isinstance(value, str):
                text = value or ""
                if len(text) >= GIANT:
                    text, unread[column] = text[:_KEPT], f"is longer than {GIANT:,} characters"
                # Half of a surrogate pair is no character, and no encoder takes it.
                values[column] = (text if text.isascii() else _SURROGATE.sub("\ufffd", text)).strip() or None
            else:
                values[column], unread[column] = None, "is a list or an object, not a string, a number or null"
        yield Row(table.file, line, values, unread)
