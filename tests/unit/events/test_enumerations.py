"""The words of a schema's enumeration stand once in the code: where they are generated."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

import pytest

import proofwatch
import services
from proofwatch.events import enumerations, types

GENERATED: Final = {types.__file__, enumerations.__file__}
BY_SYMBOLS: Final = {frozenset(get_args(alias)): name for name, alias in vars(enumerations).items() if get_args(alias)}


def literals(path: Path) -> Iterator[frozenset[str]]:
    """Yield the texts of every `Literal[…]` of a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).rpartition(".")[2] == "Literal":
            members = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            yield frozenset(m.value for m in members if isinstance(m, ast.Constant) and isinstance(m.value, str))


def test_every_enumeration_of_the_types_has_a_name() -> None:
    """What a struct says inline, code can name."""
    unnamed = [found for found in literals(Path(types.__file__)) if len(found) > 1 and found not in BY_SYMBOLS]
    assert not unnamed


@pytest.mark.parametrize("package", [proofwatch, services], ids=["libs", "services"])
def test_nobody_types_an_enumeration_of_a_schema_again(package: object) -> None:
    """A new symbol in a schema reaches all code that names it; two symbols may be anybody's."""
    again = [
        f"{path}: {BY_SYMBOLS[found]} of proofwatch.events.enumerations is typed anew"
        for root in package.__path__  # type: ignore[attr-defined]
        for path in sorted(Path(root).rglob("*.py"))
        if str(path) not in GENERATED
        for found in literals(path)
        if len(found) > 2 and found in BY_SYMBOLS
    ]
    assert not again, "\n".join(again)
