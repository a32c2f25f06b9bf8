"""A value that somebody else chose is shown, and does nothing."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.plain import in_ascii, one_line, printable, told_apart

ANYTHING = st.text(st.characters() | st.sampled_from("\x1b\x9b\r\n\t\x07\x7f\u202e\u2066\u200f\u2028\ud800[]\\m"))


def acting(text: str) -> list[str]:
    """Return the characters that move a cursor, begin an escape sequence or turn text around."""
    orders = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return [
        each
        for each in text
        if unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(each) in orders
        or each in "\u200e\u200f\u061c"
    ]


@given(ANYTHING)
def test_nothing_that_acts_is_left(text: str) -> None:
    """But tabs and line feeds in text of several lines; and what is left can be written in UTF-8."""
    assert not set(acting(printable(text))) - {"\t", "\n"}
    assert not acting(one_line(text))
    printable(text).encode()


@given(ANYTHING)
def test_the_rest_stays_as_it_is(text: str) -> None:
    """Text without such characters is untouched, and doing it twice changes nothing more."""
    assert printable(printable(text)) == printable(text)
    assert one_line(one_line(text)) == one_line(text)
    if not acting(text):
        assert one_line(text) == text


@given(st.recursive(ANYTHING, lambda inner: st.lists(inner) | st.dictionaries(ANYTHING, inner), max_leaves=5))
def test_json_keeps_its_meaning(value: object) -> None:
    """A document that goes to a pipe through here is the same document."""
    assert json.loads(printable(json.dumps(value, ensure_ascii=False))) == value


@pytest.mark.parametrize(
    ("given_", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\u001b[31mred\\u001b[0m"),
        ("\x9b31m", "\\u009b31m"),
        ("ab\u202egpj.exe", "ab\\u202egpj.exe"),
        ("a\r\nproofwatch: all is well", "a\\u000d\\u000aproofwatch: all is well"),
        ("ä – 低端手机 👩‍👩‍👧 نص", "ä – 低端手机 👩‍👩‍👧 نص"),
    ],
)
def test_such_a_character_is_spelled_out(given_: str, shown: str) -> None:
    """One sees what was there."""
    assert one_line(given_) == shown


@given(st.recursive(st.text(), lambda inner: st.lists(inner), max_leaves=5))
def test_json_in_ascii_keeps_its_meaning(value: object) -> None:
    """Beyond the basic plane, too."""
    assert in_ascii(json.dumps(value, ensure_ascii=False)).isascii()
    assert json.loads(in_ascii(json.dumps(value, ensure_ascii=False))) == value


def test_a_name_that_looks_like_another_is_told_apart() -> None:
    """Cyrillic beside Latin; what is in ASCII alone stays as it is."""
    assert told_apart("ana") == "ana"
    assert told_apart("\u0430na") == "\u0430na (\\u0430na)"
