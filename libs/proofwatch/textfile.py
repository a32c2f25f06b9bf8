"""Lines of text out of a user's file, whatever it was saved as: UTF-8, UTF-16 with its mark, or either in gzip."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson")
LONGEST: Final = 64 * 2**20
"""Bytes that one line may have, so that memory stays bounded."""
_GZIP: Final = b"\x1f\x8b"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_OTHERS: Final = {
    b"PK\x03\x04": "is an archive or a workbook, not text; export it as CSV",
    b"PAR1": "is Parquet, not text; export it as CSV",
    b"SQLi": "is a database, not text; export the table as CSV",
    b"%PDF": "is a PDF, not text; export the table as CSV",
    b"\xd0\xcf\x11\xe0": "is an old workbook, not text; export it as CSV",
}


class TableError(ValueError):
    """The file cannot be read as a score table; the message says where and what would be right."""


def kind_of(path: Path) -> str:
    """Return the suffix that says what the file holds, that of gzip left out. Raises `TableError` for another."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes[-1:] == [".gz"]:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix not in SUFFIXES:
        listed = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise TableError(f"{path}: is neither CSV nor JSON Lines; its name must end in {listed}, or that and .gz")
    return suffix


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a file, line ends included. Raises `TableError`, with the line and what would be right."""
    try:
        with path.open("rb") as raw:
            head = raw.read(4)
            raw.seek(0)
            if head[:2] == _GZIP:
                with gzip.open(raw) as unpacked:
                    yield from _text(path, unpacked)  # type: ignore[arg-type]
            elif head in _OTHERS or head[:4] in _OTHERS:
                raise TableError(f"{path}: {_OTHERS[head[:4]]}")
            else:
                yield from _text(path, raw)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise TableError(f"{path}: its gzip is broken or cut short; pack it again") from error
    except OSError as error:
        problem = error.strerror or type(error).__name__
        raise TableError(f"{path}: cannot be read ({problem}); give the path of a .csv or .jsonl file") from error


def _text(path: Path, file: BinaryIO) -> Iterator[str]:
    head = file.read(4)
    file.seek(0)
    if b"\0" in head and head[:2] not in _UTF_16:
        raise TableError(f"{path}: is neither UTF-8 nor UTF-16 with a byte order mark; save the file as UTF-8")
    return _utf_16(path, file) if head[:2] in _UTF_16 else _utf_8(path, file)


def _utf_8(path: Path, file: BinaryIO) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST):
        number += 1
        if len(raw) >= LONGEST:
            raise TableError(f"{path}, line {number}: is longer than {LONGEST:,} bytes; is it a table?")
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            at = f"{path}, line {number}, byte {error.start + 1}"
            raise TableError(f"{at}: is not UTF-8 text; save the file as UTF-8") from error


def _utf_16(path: Path, file: BinaryIO) -> Iterator[str]:
    text, number = io.TextIOWrapper(file, encoding="utf-16", newline=""), 0
    try:
        while line := text.readline(LONGEST):
            number += 1
            if len(line) >= LONGEST:
                raise TableError(f"{path}, line {number}: is longer than {LONGEST:,} characters; is it a table?")
            yield line
    except UnicodeError as error:
        raise TableError(f"{path}, line {number + 1}: is not UTF-16 text; save the file as UTF-8") from error
    finally:
        text.detach()
