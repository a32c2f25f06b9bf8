"""Errors that a command knows end it with one sentence and a code; bugs do not."""

import pytest

from proofwatch.command_line.exit_codes import ended


class _Away(Exception):
    pass


class _Mistyped(ValueError):
    pass


def _fail(error: Exception) -> int:
    raise error


@pytest.mark.parametrize(("error", "code"), [(_Away("nobody answers"), 1), (_Mistyped("nobody answers"), 2)])
def test_an_error_that_is_known_is_one_sentence_and_a_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 where the call may be right at another time, 2 where it must be changed."""
    assert ended("people list", lambda: _fail(error), refused=(_Away,), wrong=(ValueError,)) == code
    assert capsys.readouterr() == ("", "proofwatch people list: nobody answers\n")


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (3, 3)])
def test_a_command_without_errors_says_nothing_more(
    returned: int | None, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own code is the command's."""
    assert ended("audit verify", lambda: returned) == code
    assert capsys.readouterr() == ("", "")


def test_what_nobody_expected_is_no_sentence() -> None:
    """It is a bug, and `services.cli` tells it with its traceback."""
    with pytest.raises(KeyError):
        ended("audit keys", lambda: _fail(KeyError("index")), refused=(_Away,), wrong=(_Mistyped,))
