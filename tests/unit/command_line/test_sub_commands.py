"""Options that all sub-commands share stand before the sub-command or behind it."""

import argparse

import pytest

from proofwatch.command_line.sub_commands import Add, SubCommands


def shared(add: Add) -> None:
    add("--port", type=int, default=80, help="where (%(default)s)")
    add("--name", action="append", default=[])


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="tool")
    actions = SubCommands(made, shared)
    actions.add("go", "do it", "--port 81", print)
    actions.add("stop", "end it", "", id)
    return made


@pytest.mark.parametrize(
    ("words", "port", "names"),
    [
        ("go", 80, []),
        ("--port 81 go", 81, []),
        ("go --port 82 --name a --name b", 82, ["a", "b"]),
        ("--port 81 --name a go --port 82", 82, ["a"]),
    ],
)
def test_an_option_counts_wherever_it_stands(words: str, port: int, names: list[str]) -> None:
    """The later wins."""
    args = parser().parse_args(words.split())
    assert (args.port, args.name, args.action, args.act) == (port, names, "go", print)


def test_help_shows_the_default_and_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Both of the sub-command."""
    with pytest.raises(SystemExit, match="0"):
        parser().parse_args(["go", "--help"])
    said = capsys.readouterr().out
    assert "where (80)" in said
    assert said.endswith("example:\n  tool go --port 81\n")


def test_a_missing_sub_command_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    """In one line."""
    with pytest.raises(SystemExit, match="2"):
        parser().parse_args([])
    assert "the following arguments are required: go|stop" in capsys.readouterr().err
