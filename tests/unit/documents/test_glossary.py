"""The glossary names what there is: every word has a sentence and a source, and every type that it names exists."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAD = ["word", "what it is", "source", "held by"]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row, heads and rules among them."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def exists(name: str) -> bool:
    """Return whether a dotted name is a module, or leads through classes to a member; a path is a file."""
    if "/" in name:
        return (ROOT / name).is_file()
    parts = name.split(".")
    for depth in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:depth]))
        except ModuleNotFoundError:
            continue
        return leads(found, parts[depth:])
    return False


def leads(found: object, members: list[str]) -> bool:
    """Return whether the members are there, one inside the other; the last may be a field that has only a type."""
    for at, member in enumerate(members):
        if not hasattr(found, member):
            typed = any(member in vars(each).get("__annotations__", {}) for each in getattr(found, "__mro__", ()))
            return typed and at == len(members) - 1
        found = getattr(found, member)
    return True


GLOSSARY = [row for row in rows((ROOT / "docs" / "glossary.md").read_text()) if row != HEAD and set(row[0]) != {"-"}]


def test_every_row_says_word_sentence_source_and_holder() -> None:
    """One sentence each, and no word twice."""
    assert len(GLOSSARY) > 80
    for row in GLOSSARY:
        assert len(row) == len(HEAD), row
        assert all(row), row
        assert row[1].endswith("."), row
        assert ". " not in row[1], row
    words = [row[0] for row in GLOSSARY]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("row", GLOSSARY, ids=[row[0] for row in GLOSSARY])
def test_what_holds_a_word_exists(row: list[str]) -> None:
    """Who renames a type or a module finds the row that names it."""
    named = re.findall(r"`([^`]+)`", row[3])
    assert named, row
    assert [name for name in named if not exists(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        "proofwatch.events.types.Transactions",
        "proofwatch.events.types.Transaction.scores",
        "proofwatch.events.types.Transaction.tenant.name",
        "proofwatch.governance.policy.Policy.match.gone",
        "proofwatch.gone",
        "nowhere",
        "schemas/topics/none.yaml",
    ],
)
def test_what_does_not_exist_is_found_out(name: str) -> None:
    """A module, a type, a field, a field of a field, a file."""
    assert not exists(name)


@pytest.mark.parametrize(
    "name",
    [
        "proofwatch.events.segments",
        "proofwatch.governance.policy.Policy.match",
        "proofwatch.biometrics.figures.Figure.k",
    ],
)
def test_what_exists_is_found(name: str) -> None:
    """A module, a field of pydantic, which is no attribute of its class, and one of msgspec."""
    assert exists(name)
