"""Nothing that a user's file holds is markup, a colour, a link or an order on the terminal."""

import io
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from proofwatch.plain import one_line, printable
from proofwatch.runtime.streams import PrintableStream, printable_streams
from proofwatch.runtime.terminal import Terminal, inline, literal
from tests.unit.test_plain import ANYTHING, acting

HOSTILE = "\x1b[31m[red]x[/red]\x1b]8;;http://evil\x1b\\:warning:\u202e[link=javascript:a()]y[/]"


class Screen(io.StringIO):
    """What a terminal is sent."""

    def isatty(self) -> bool:
        return True


def shown(what: object, file: io.StringIO | None = None) -> str:
    file = file or io.StringIO()
    Terminal(file, width=10_000).print(what, soft_wrap=True)
    return file.getvalue()


@given(ANYTHING)
def test_a_literal_is_shown_as_it_is(value: str) -> None:
    """Whatever looks like markup in it."""
    assert shown(literal(value)) == one_line(value) + "\n"


@given(ANYTHING | st.text("[]\\/ab#@= "))
@example("\\")
@example("\\[1]")
@example("a\\\\[red]\\")
def test_a_value_within_a_line_of_markup_is_shown_as_it_is(value: str) -> None:
    """And our own markup around it still works."""
    assert shown(f"[bold]of[/] {inline(value)} and [red]so on[/]") == f"of {one_line(value)} and so on\n"


@given(ANYTHING)
def test_nothing_that_acts_reaches_the_terminal(value: str) -> None:
    """Not even where somebody forgot the helpers."""
    table = Table(show_edge=False)
    table.add_column(Text(value))
    table.add_row(Text(value))
    assert not set(acting(shown(table))) - {"\n"}
    assert not set(acting(shown(Text(value)))) - {"\n", "\t"}


def test_colours_on_a_terminal_are_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the value are text."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert shown("[bold]x[/]", Screen()) == "\x1b[1mx\x1b[0m\n"
    assert shown(literal(HOSTILE), Screen()) == one_line(HOSTILE) + "\n"
    assert shown(f"[bold]x[/] {inline(HOSTILE)}.", Screen()) == f"\x1b[1mx\x1b[0m {one_line(HOSTILE)}.\n"


def test_whatever_is_written_meanwhile_is_printable(capsys: pytest.CaptureFixture[str]) -> None:
    """By print or by a stream; afterwards the streams are what they were."""
    before = sys.stdout, sys.stderr
    with printable_streams():
        sys.stdout.write(HOSTILE + "\n")
        sys.stderr.writelines([HOSTILE, "\n"])
        print(HOSTILE, file=sys.stderr)  # noqa: T201 - what is tested
    assert (sys.stdout, sys.stderr) == before
    out, err = capsys.readouterr()
    assert out == printable(HOSTILE) + "\n"
    assert err == out + out


def test_a_terminal_writes_past_the_stream() -> None:
    """Else its own colours would be spelled out."""
    with printable_streams():
        assert not isinstance(Terminal().file, PrintableStream)
        assert not isinstance(Terminal(sys.stdout).file, PrintableStream)
        assert not isinstance(Terminal(stderr=True).file, PrintableStream)


@pytest.mark.parametrize("value", ["x" * 100, "replay-" + "0123456789" * 9, "低端手机" * 20])
def test_a_long_name_is_broken_and_not_cut(value: str) -> None:
    """In a table of any width: a species whose end is missing may be another one."""
    told = io.StringIO()
    table = Table("species", "errors")
    table.add_row(literal(value), "1/2")
    Terminal(told, width=40).print(table)
    cells = [line.split("│")[1].strip() for line in told.getvalue().splitlines() if line.startswith("│")]
    assert "".join(cells) == value
