"""Make `enumerations.py`: a name for every enumeration of the schemas (development only: part of `generate`)."""

from collections.abc import Iterator
from typing import Any, NamedTuple

_HEAD = '''\
"""The enumerations of the events, each under the name of its event and field; a list's under that of one item."""

from typing import Literal
'''


class Enumeration(NamedTuple):
    """The symbols of one field; null is left out."""

    name: str
    symbols: tuple[str, ...]
    description: str


def enumerations(schemas: dict[str, Any]) -> Iterator[Enumeration]:
    """Yield those of `schemas`, which are by class name; of one symbol there is nothing to choose."""
    for owner, schema in sorted(schemas.items()):
        for field, described in schema.get("properties", {}).items():
            item = "items" in described
            symbols = tuple(s for s in (described["items"] if item else described).get("enum", ()) if s is not None)
            if len(symbols) > 1:
                words = (field.removesuffix("s") if item else field).split("_")
                yield Enumeration(owner + "".join(map(str.capitalize, words)), symbols, described["description"])


def module_text(schemas: dict[str, Any]) -> str:
    """Return the module, not yet formatted."""
    lines = [_HEAD]
    for each in enumerations(schemas):
        symbols = ", ".join(f'"{symbol}"' for symbol in each.symbols)
        lines += [f"{each.name} = Literal[{symbols}]", f'"""{each.description}"""']
    return "\n".join(lines) + "\n"
