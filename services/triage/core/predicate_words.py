"""A predicate of an attack pattern in words, for people who decide about it."""

from collections.abc import Mapping
from typing import Final

from proofwatch.governance.predicate import Node, parse
from proofwatch.governance.predicate_nodes import Comparison, Every, Negation, Op, Some, Value

_MOST: Final = 8
_OPS: Final[Mapping[Op, str]] = {
    "eq": "is", "ne": "is not", "lt": "is below", "le": "is at most", "gt": "is above", "ge": "is at least",
    "in": "is one of", "prefix": "begins with",
}  # fmt: skip


def words_of(predicate: str) -> str:
    """Return what a predicate says. Raises `InvalidPredicate`."""
    return _words(parse(predicate), inside=False)


def _words(node: Node, *, inside: bool) -> str:
    match node:
        case Comparison(field, "missing", _):
            return f"{field} is missing"
        case Comparison(field, op, value):
            return f"{field} {_OPS[op]} {_value(value)}"
        case Negation(part):
            return f"not ({_words(part, inside=False)})"
        case Every(parts) | Some(parts):
            word = " and " if isinstance(node, Every) else " or "
            said = word.join(_words(each, inside=True) for each in parts)
            return f"({said})" if inside and len(parts) > 1 else said


def _value(value: Value) -> str:
    if isinstance(value, frozenset):
        named = sorted(map(_one, value))
        more = f" and {len(named) - _MOST} more" if len(named) > _MOST else ""
        return ", ".join(named[:_MOST]) + more
    return _one(value)


def _one(value: float | str | None) -> str:
    return f"{value:g}" if isinstance(value, float) else f"“{value}”"
