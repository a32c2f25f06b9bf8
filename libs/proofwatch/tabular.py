"""Score tables: CSV and JSON Lines files of trials, read row by row.

A cell is text without surrounding blanks, or None when it is blank, absent or null. In JSON Lines the columns are
the keys of all lines together; numbers keep the digits they were written with. Every complaint names file,
line and column, and what would be right, but never quotes a cell: a shifted column may hold a person's data.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from pathlib import Path

import msgspec

JSON_LINES = {".jsonl", ".ndjson"}
_JSON = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


class TableError(ValueError):
    """The file cannot be read as a score table; the message says where and what would be right."""


class Row(msgspec.Struct, frozen=True):
    """One row: the file's name, the line it starts on (from 1), and its cells by column."""

    file: str
    line: int
    values: dict[str, str | None]

    def complaint(self, column: str, problem: str) -> TableError:
        """Return the error that `problem` is with the cell of this row in `column`."""
        return TableError(f"{self.file}, line {self.line}, column {column}: {problem}")


class Table(msgspec.Struct, frozen=True):
    """A table whose columns are known; `rows` may be called again and reads the file anew."""

    file: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row]]


def open_table(path: Path) -> Table:
    """Return the table in `path`, by its suffix: .csv, or .jsonl / .ndjson.

    Reads the header of a CSV file, and a JSON Lines file once to its end (its columns are not known before). Raises
    `TableError`, here or while rows are read, for a missing file, another suffix, text that is not UTF-8, a missing or
    ambiguous header, a row with another number of cells than the header, or a line that is not a flat JSON object.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        columns = _csv_columns(path)
        return Table(str(path), columns, lambda: _csv_rows(path, columns))
    if suffix in JSON_LINES:
        seen: dict[str, None] = {}
        for row in _json_rows(path):
            seen.update(dict.fromkeys(row.values))
        return Table(str(path), tuple(seen), lambda: _json_rows(path))
    raise TableError(f"{path}: is neither CSV nor JSON Lines; its name must end in .csv, .jsonl or .ndjson")


def score(row: Row, column: str) -> float | None:
    """Return the score in a cell, None when it is blank. Any finite decimal number is right; no range is checked.

    Raises `TableError` for a word, NaN or an infinity.
    """
    text = row.values.get(column)
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = None
    if value is None or "_" in text:  # float() accepts 1_000, no score file means it
        raise row.complaint(column, f"is not a number; {_RIGHT_SCORE}")
    if not isfinite(value):
        raise row.complaint(column, f"NaN or an infinity is not a score; {_RIGHT_SCORE}")
    return value


_RIGHT_SCORE = "write a decimal number such as 0.97, or leave the cell blank if there was no score"


def choice(row: Row, column: str, allowed: Iterable[str]) -> str | None:
    """Return the word in a cell, None when it is blank. Raises `TableError` for one that is not allowed."""
    text = row.values.get(column)
    if text is not None and text not in allowed:
        raise row.complaint(column, f"must be {' or '.join(allowed)}, or blank if it is not known")
    return text


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file (a byte order mark is skipped), line ends included."""
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    at = f"{path}, line {number}, byte {error.start + 1}"
                    raise TableError(f"{at}: is not UTF-8 text; save the file as UTF-8") from error
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise TableError(f"{path}: cannot be read ({problem}); give the path of a .csv or .jsonl file") from error


def _csv_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each CSV record that is not an empty line, with the line that it starts on."""
    reader = csv.reader(_lines(path), strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"{path}, line {start}: is not CSV ({error}); check its quotes and line ends") from error
        if cells:
            yield start, [cell.strip() for cell in cells]


def _csv_columns(path: Path) -> tuple[str, ...]:
    line, columns = next(_csv_cells(path), (1, []))
    if not columns:
        raise TableError(f"{path}, line 1: has no header; the first line must name the columns")
    for place, name in enumerate(columns, 1):
        if not name:
            raise TableError(f"{path}, line {line}: the header of column {place} is blank; name every column")
        if name in columns[: place - 1]:
            raise TableError(f"{path}, line {line}, column {name}: is named twice; give each column its own name")
    return tuple(columns)


def _csv_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row]:
    records = _csv_cells(path)
    next(records, None)
    file, width = str(path), len(columns)
    for line, cells in records:
        if len(cells) != width:
            where = f"{path}, line {line}"
            if len(cells) < width:
                where += f", column {columns[len(cells)]}"
            raise TableError(f"{where}: the row has {len(cells)} cells, but the header names {width} columns")
        yield Row(file, line, {name: cell or None for name, cell in zip(columns, cells, strict=True)})


def _json_rows(path: Path) -> Iterator[Row]:
    file = str(path)
    for line, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            # Numbers, and the NaN that strict JSON does not have, stay text: `score` judges them and knows the column.
            document = _JSON.decode(text)
        except (ValueError, RecursionError) as error:
            raise TableError(f"{path}, line {line}: is not JSON; write one object per line") from error
        if not isinstance(document, dict):
            raise TableError(f"{path}, line {line}: is not a JSON object; write one object per line")
        row = Row(file, line, {})
        for column, value in document.items():
            if value is not None and not isinstance(value, str):
                raise row.complaint(column, "must be a string, a number or null")
            row.values[column] = (value or "").strip() or None
        yield row
