"""What we write as CSV computes nothing where somebody opens it."""

import csv
import io
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.csv_file import Cell, cell, write_csv

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("=+-@\t\r\n;,'\"\uff1d 01.e\u200b"))
VALUES = TEXT | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.none()


def written(columns: list[str], rows: list[list[Cell]]) -> str:
    file = io.StringIO(newline="")
    write_csv(file, columns, rows)
    return file.getvalue()


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=4))
def test_no_cell_is_a_formula(rows: list[list[Cell]]) -> None:
    """Not after what spreadsheets skip either; a number such as -0.5 is none."""
    for record in csv.reader(io.StringIO(written(["a", "=b"], rows), newline="")):
        for text in record:
            assert text[:1] not in ("\t", "\r", "\n") or not text
            assert text.strip("\u200b\ufeff" + string.whitespace)[:1] not in tuple("=+-@\uff1d") or is_number(text)


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_no_program_finds_a_cell_within_a_cell(delimiter: str) -> None:
    """Spreadsheets in half of Europe split at semicolons."""
    said = written([f"a{delimiter}=1+1"], [[f"x{delimiter}=HYPERLINK()"]])
    assert list(csv.reader(io.StringIO(said, newline=""), delimiter=delimiter)) == [
        [f"a{delimiter}=1+1"],
        [f"x{delimiter}=HYPERLINK()"],
    ]


@given(st.lists(st.lists(VALUES, min_size=2, max_size=2), max_size=4))
def test_what_is_read_back_is_what_was_given(rows: list[list[Cell]]) -> None:
    """Numbers as numbers, text as text but for the apostrophe, nothing as nothing."""
    read = list(csv.reader(io.StringIO(written(["a", "b"], rows), newline="")))[1:]
    assert [len(record) for record in read] == [2] * len(rows)
    for record, row in zip(read, rows, strict=True):
        for text, value in zip(record, row, strict=True):
            if isinstance(value, str):
                assert text in (value, f"'{value}")
            else:
                assert text == ("" if value is None else str(value))


@pytest.mark.parametrize(
    "value",
    [
        '=HYPERLINK("http://evil","x")',
        "+1+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
        "\tx",
        "\rx",
        "\r=1",
        "\n=1",
        " =1",
        "\uff1d1",
        "\u200b=1",
        "-",
    ],
)
def test_a_formula_becomes_text(value: str) -> None:
    """With what was there, behind an apostrophe."""
    assert cell(value) == f"'{value}"


@pytest.mark.parametrize("value", [-0.5, -3, "-0.5", "+7", "-1e-9", "-.5", "a=b", "", "2026-11-25", None])
def test_numbers_and_ordinary_text_stay(value: Cell) -> None:
    """A column of differences can still be summed."""
    assert cell(value) == value
