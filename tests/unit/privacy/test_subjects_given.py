"""Whose data a command is about: exactly who was meant, or nobody."""

import io
import sys

import pytest

from services.privacy.commands.opening import WrongCall
from services.privacy.commands.subjects import subject_ref
from services.privacy.core.erasure import is_of_nobody


@pytest.mark.parametrize("piped", ["sub-c07e51", "sub-c07e51\n", "sub-c07e51\r\n", "кириллица 7\n"])
def test_the_one_line_of_a_pipe_is_the_person(piped: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    assert subject_ref("-") == piped.rstrip("\r\n")


@pytest.mark.parametrize(
    ("piped", "said"),
    [
        ("", "1 to 256 characters"),
        ("\n", "1 to 256 characters"),
        ("x" * 257, "1 to 256 characters"),
        ("sub-1\nsub-2\n", "more than one line"),
        ("sub-1\n\n", "more than one line"),
        ("\ufeffsub-1\n", "byte order mark"),
        (" sub-1\n", "spaces around it"),
        ("sub-1 \n", "spaces around it"),
        ("sub\x00-1", "characters that nobody sees"),
        ("sub-\u200b1", "characters that nobody sees"),
    ],
)
def test_what_a_tool_added_is_refused(piped: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else would be erased, whom nobody knows, and the receipt would say that it was done."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(piped))
    with pytest.raises(WrongCall, match=said):
        subject_ref("-")


def test_an_argument_is_taken_as_it_is() -> None:
    assert subject_ref(" sub-1 ") == " sub-1 "


def test_who_left_nothing_is_told_from_who_did() -> None:
    """What is written for anybody, and what is of the tenant, is nothing of theirs."""
    written = {"transactions": 0, "cases": 0, "tombstones": 42, "keys_destroyed": 1, "training_exports_of_tenant": 3}
    assert is_of_nobody(written)
    assert not is_of_nobody({**written, "consents": 1})
