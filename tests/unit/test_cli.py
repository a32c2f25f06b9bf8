"""The console script finds every command and explains it with an example."""

from importlib.metadata import version

import pytest

from services.cli import COMMANDS, main


def test_the_overview_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`proofwatch` alone says what there is."""
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """--help ends with a line that can be copied."""
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    said = capsys.readouterr().out
    assert COMMANDS[name].example in said


def test_an_unknown_command_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing mistake gets one line."""
    assert main(["scorre"]) == 2
    assert "there is no command 'scorre'" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_that_of_the_distribution(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What to name in a report."""
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"proofwatch {version('proofwatch')}\n"
