"""The console script finds every command and explains it with an example."""

import argparse
import logging
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import services
from services.cli import main, parser_of
from services.commands import COMMANDS
from services.operations import run, topics


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


def parsers(name: str, parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield a parser and those of its sub-commands, with what is typed to get there."""
    yield name, parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub, each in action.choices.items():
                yield from parsers(f"{name} {sub}", each)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_example_of_every_command_and_sub_command_can_be_used(name: str) -> None:
    """Help ends with it, it names the command, and it is understood as it stands."""
    parser = parser_of(name, import_module(COMMANDS[name].module))
    for typed, each in parsers(name, parser):
        title, _, example = (each.epilog or "").partition("\n")
        assert title == "example:", f"proofwatch {typed} has no example"
        words = [word for word in shlex.split(example) if not word.startswith("PROOFWATCH_")]
        assert words[: 1 + len(typed.split())] == ["proofwatch", *typed.split()]
        parser.parse_args(words[2:])


def test_nobody_builds_sub_commands_of_another_kind() -> None:
    """`SubCommands` is the one way; an action among choices would have no help of its own."""
    for path in sorted(Path(services.__file__).parent.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "add_subparsers" not in text, path
        assert not re.search(r"\(\s*\"action\",\s*choices", text), path


def test_an_unknown_command_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """A typing mistake gets one line."""
    assert main(["scorre"]) == 2
    assert "there is no command 'scorre'" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_that_of_the_distribution(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What to name in a report."""
    assert main([flag]) == 0
    assert capsys.readouterr().out == f"proofwatch {version('proofwatch')}\n"


def test_a_command_that_is_interrupted_ends_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever it is, and wherever it was: no traceback, and what a shell says of SIGINT."""

    def interrupted(_: argparse.Namespace) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(topics, "run", interrupted)
    assert main(["topics", "list"]) == 130
    assert capsys.readouterr().err == "proofwatch topics: interrupted\n"


@pytest.mark.parametrize(("name", "heard"), [("topics", []), ("run", ["away"])])
def test_only_a_service_logs_what_the_kafka_client_says(
    name: str, heard: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A command ends with one sentence of its own; the client's line before it says the same, worse."""

    def fails(_: argparse.Namespace) -> int:
        logging.getLogger("aiokafka.client").error("away")
        return 1

    monkeypatch.setattr(topics if name == "topics" else run, "run", fails)
    assert main([name, "list" if name == "topics" else "scorer"]) == 1
    assert caplog.messages == heard
    caplog.clear()
    logging.getLogger("aiokafka.client").error("afterwards")
    assert caplog.messages == ["afterwards"]


def test_an_argument_that_is_no_text_is_refused_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """Bytes that are no UTF-8 come as lone surrogates, which no database, topic or hash takes; every command alike."""
    with pytest.raises(SystemExit) as ended:
        main(["troubleshoot", "\udcff\udcfe", "--tenant", "acme", "--by", "ana", "--reason", "x"])

    assert ended.value.code == 2
    assert "argument TRANSACTION: is no text in UTF-8; type it anew" in capsys.readouterr().err
