"""The language of attack patterns: a declarative predicate over non-personal fields of a transaction, as JSON.

A node is one of

    {"all": [node, …]}    {"any": [node, …]}    {"not": node}
    {"field": "device.model", "op": "eq", "value": "Pixel 3"}

Operations: `eq ne in` on every field, `lt le gt ge` on numbers, `prefix` on texts, `missing` on everything that may
be absent. A comparison with a field that is missing is false, `ne` too: whoever means it writes `missing`.
`checks` is a set: `eq` and `ne` compare it with a list, whatever the order; `in` is true when one of them is listed.
"""

import json
from math import isfinite
from typing import Any, Final

from proofwatch.governance.predicate_nodes import (
    FIELDS,
    Comparison,
    Every,
    Negation,
    Node,
    Some,
    compile_predicate,
)

__all__ = ["FIELDS", "InvalidPredicate", "Node", "compile_predicate", "parse"]

MAX_DEPTH: Final = 32
MAX_NODES: Final = 1_000
MAX_LISTED: Final = 10_000
_CHECKS: Final = frozenset(("match", "liveness"))
_EVERYWHERE: Final = ("eq", "ne", "in")
_OPS: Final[dict[str, tuple[str, ...]]] = {
    "number": (*_EVERYWHERE, "lt", "le", "gt", "ge", "missing"),
    "text": (*_EVERYWHERE, "prefix", "missing"),
    "set": _EVERYWHERE,  # never missing: the schema has a default
}
_EXAMPLE: Final = '{"field": "device.model", "op": "eq", "value": "Pixel 3"}'


class InvalidPredicate(ValueError):
    """The predicate cannot be used; the message says where, what, and what would be right."""


def parse(text: str | bytes) -> Node:
    """Return the predicate that `text` spells. Raises `InvalidPredicate`."""
    try:
        document = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except InvalidPredicate:
        raise
    except RecursionError:
        raise InvalidPredicate(f"$: is nested too deeply; at most {MAX_DEPTH} levels") from None
    except ValueError as error:  # not JSON, not UTF-8, or a number of thousands of digits
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidPredicate(f"$: is not JSON{where}; for example {_EXAMPLE}") from None
    return _Parser().node(document, "$", 1)


class _Parser:
    def __init__(self) -> None:
        self._nodes = 0

    def node(self, document: Any, where: str, depth: int) -> Node:
        self._nodes += 1
        if depth > MAX_DEPTH:
            raise InvalidPredicate(f"{where}: is nested too deeply; at most {MAX_DEPTH} levels")
        if self._nodes > MAX_NODES:
            raise InvalidPredicate(f"{where}: too many parts; at most {MAX_NODES} in one predicate")
        if not isinstance(document, dict):
            raise InvalidPredicate(
                f"{where}: must be an object with all, any, not, or field and op; found {_a(document)}"
            )
        match sorted(document):
            case ["all"]:
                return Every(self._parts(document["all"], f"{where}.all", depth))
            case ["any"]:
                return Some(self._parts(document["any"], f"{where}.any", depth))
            case ["not"]:
                return Negation(self.node(document["not"], f"{where}.not", depth + 1))
            case ["field", "op"] | ["field", "op", "value"]:
                return _leaf(document, where)
        keys = ", ".join(map(repr, sorted(document))) or "no key"
        raise InvalidPredicate(f"{where}: has {keys}; right is one of all, any, not alone, or {_EXAMPLE}")

    def _parts(self, documents: Any, where: str, depth: int) -> tuple[Node, ...]:
        if not isinstance(documents, list) or not documents:
            raise InvalidPredicate(f"{where}: must be a list of at least one part; found {_a(documents)}")
        return tuple(self.node(each, f"{where}[{i}]", depth + 1) for i, each in enumerate(documents))


def _leaf(document: dict[str, Any], where: str) -> Comparison:
    name, op = document["field"], document["op"]
    field = FIELDS.get(name) if isinstance(name, str) else None
    if field is None:
        raise InvalidPredicate(f"{where}.field: {name!r} may not be used; right is one of {', '.join(FIELDS)}")
    if op not in _OPS[field.kind]:
        raise InvalidPredicate(f"{where}.op: {op!r} does not fit {name}, a {field.kind}: {', '.join(_OPS[field.kind])}")
    if op == "missing":
        if "value" in document:
            raise InvalidPredicate(f"{where}.value: leave it out; missing compares with nothing")
        return Comparison(name, "missing", None)
    if "value" not in document:
        raise InvalidPredicate(f"{where}.value: is missing; {op} compares {name} with a value")
    listed = op == "in" or field.kind == "set"
    value = document["value"]
    return Comparison(
        name, op, _listed(value, field.kind, f"{where}.value") if listed else _one(value, field.kind, f"{where}.value")
    )


def _listed(values: Any, kind: str, where: str) -> Any:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_LISTED:
        raise InvalidPredicate(f"{where}: must be a list of 1 to {MAX_LISTED} values; found {_a(values)}")
    return frozenset(_one(each, kind, f"{where}[{i}]") for i, each in enumerate(values))


def _one(value: Any, kind: str, where: str) -> Any:
    if kind == "number":
        if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value):
            return float(value)
        raise InvalidPredicate(f"{where}: must be a number such as 0.25; found {_a(value)}")
    if not isinstance(value, str) or not value:
        raise InvalidPredicate(f"{where}: must be a text that is not empty; found {_a(value)}")
    if kind == "set" and value not in _CHECKS:
        raise InvalidPredicate(f"{where}: must be match or liveness; found {value!r}")
    return value


def _finite(value: float) -> bool:
    try:
        return isfinite(value)
    except OverflowError:  # an integer beyond the floats
        return False


def _a(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    if value in ([], ""):
        return "an empty one"
    return names.get(type(value), "a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidPredicate(f"$: key {key!r} is given twice in one object")
        found[key] = value
    return found


def _no_constant(name: str) -> Any:
    raise InvalidPredicate(f"$: {name} is not a number of JSON")
