"""Every command of the command line, one by one: it asks the door, leaves an entry, or says why it needs neither."""

import argparse
import ast
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from proofwatch.exits.table import EXITS
from services.auditor.core.acts import ACTS
from services.cli import parser_of
from services.command_traces import TRACES, Trace, table
from services.commands import COMMANDS

ROOT = Path(__file__).parents[3]


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield every command and sub-command by its name, with its parser."""
    for name, command in COMMANDS.items():
        parser = parser_of(name, import_module(command.module))
        inner = [each for each in parser._actions if isinstance(each, argparse._SubParsersAction)]
        chosen = [each for each in parser._actions if each.dest == "action" and each.choices and not inner]
        if inner:
            yield from ((f"{name} {sub}", each) for group in inner for sub, each in group.choices.items())
        elif chosen:  # `markers` lists, or adds
            yield from (
                (name if sub == chosen[0].default else f"{name} {sub}", parser) for sub in chosen[0].choices or ()
            )
        else:
            yield name, parser


PARSERS: Mapping[str, argparse.ArgumentParser] = dict(commands())


def unlisted(traces: Mapping[str, Trace]) -> set[str]:
    """Return the commands that say nothing of what they leave, and what is said of commands that are not there."""
    return PARSERS.keys() ^ traces.keys()


def test_every_command_is_listed_with_what_it_leaves() -> None:
    """A new one that is not fails here: say in `services/command_traces.py` what it asks, enters, or why neither."""
    assert unlisted(TRACES) == set()


def test_a_command_that_is_not_listed_is_seen() -> None:
    """The test above can fail."""
    assert unlisted({name: each for name, each in TRACES.items() if name != "dlq show"}) == {"dlq show"}


@pytest.mark.parametrize("name", [name for name, each in TRACES.items() if each.kind == "door"])
def test_who_asks_at_the_door_says_who_they_are_and_why(name: str) -> None:
    """By a session or by a stated name; a new option of the kind is not forgotten at one of them."""
    options = {option for each in PARSERS[name]._actions for option in each.option_strings}

    assert TRACES[name].what in EXITS
    assert "--as" in options
    assert options >= {"--by", "--reason"} or options >= {"--operator", "--note"}


def test_every_exit_is_a_commands() -> None:
    """None stands in the table that nobody asks; your own entries are an option of `audit search`."""
    assert {each.what for each in TRACES.values() if each.kind == "door"} == EXITS.keys() - {"audit search --own"}


@pytest.mark.parametrize("name", [name for name, each in TRACES.items() if each.kind == "entry"])
def test_what_a_command_enters_is_an_act_of_the_code_and_of_the_docs(name: str) -> None:
    """The act is entered by a name that stands in the code of acts."""
    assert TRACES[name].what in _constants()


@pytest.mark.parametrize("name", [name for name, each in TRACES.items() if each.kind == "record"])
def test_a_record_that_is_an_act_is_signed_and_entered_by_the_auditor(name: str) -> None:
    """Whoever publishes it has a key, which the entry names."""
    options = {option for each in PARSERS[name]._actions for option in each.option_strings}

    assert TRACES[name].what in ACTS
    assert "--key" in options


@pytest.mark.parametrize("name", [name for name, each in TRACES.items() if each.kind == "nothing"])
def test_a_command_that_leaves_nothing_asks_nobody_who_they_are_and_says_why(name: str) -> None:
    """What asks for a session has something to enter."""
    options = {option for each in PARSERS[name]._actions for option in each.option_strings}

    assert len(TRACES[name].what) > 20
    assert not options & {"--as", "--by", "--as-operator"} - (_SHARED if name == "restore check" else set())


_SHARED = {"--as", "--operator"}
"""`restore check` shares its options with `restore relay`."""


def test_the_documents_have_who_may_run_what() -> None:
    """The table of docs/security.md is that of the code; after a change: copy what `table()` returns."""
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    found = [
        line for line in text.partition("## Who may run what")[2].partition("\n## ")[0].splitlines() if "| `" in line
    ]

    assert found == table()


_FILTERS = {("dlq list", "--reason"), ("dlq redrive", "--reason"), ("register", "--tenant")}
"""What is compared with codes, or names a file, and stays nowhere."""
_STATED = [
    (name, option)
    for name, parser in PARSERS.items()
    for option in ("--by", "--reason", "--operator", "--note", "--tenant")
    if option in parser._option_string_actions and (name, option) not in _FILTERS
]


@pytest.mark.parametrize(("name", "option"), _STATED)
def test_what_stays_on_record_is_printable_and_of_the_permitted_length(name: str, option: str) -> None:
    """Who asks, why and about whom, at every command, before anything is opened; a sentence says what is right."""
    given = PARSERS[name]._option_string_actions[option].type

    assert callable(given)
    for wrong in ("a\nb", "a\u202eb", "a\u200b", "\udcff", "x" * 2_001):
        with pytest.raises(argparse.ArgumentTypeError, match=r"right|leave it out|one line|anew"):
            given(wrong)
    assert given("acme") == "acme"


_SPELLED = {
    "place", "topic", "hash", "old", "new", "entry", "transaction", "subject", "scope", "shadow", "attempt", "policy",
    "over", "against", "actor", "entry_action", "month", "segment", "reason", "bytes",
}  # fmt: skip
"""What is compared with what there is, or read by its own rules, before anything of it is entered."""
_CONNECTED = {"dsn", "bootstrap", "url", "registry", "principal", "database", "partitions", "listen"}


@pytest.mark.parametrize("name", PARSERS)
def test_every_other_text_that_may_stay_on_record_is_looked_at_too(name: str) -> None:
    """An id, an account, a version: a new argument that takes any text says why here, or takes `kept.name`."""
    kept = (argparse._StoreAction, argparse._AppendAction)
    untyped = {
        each.dest
        for each in PARSERS[name]._actions
        if isinstance(each, kept) and each.type is None and not each.choices
    }

    assert untyped <= _SPELLED | _CONNECTED


@cache
def _constants() -> set[str]:
    """Return every text constant of the modules in which acts are named."""
    files = [each for part in ("libs", "services") for each in (ROOT / part).rglob("*.py")]
    return {
        node.value
        for file in files
        if file.name != "command_traces.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
