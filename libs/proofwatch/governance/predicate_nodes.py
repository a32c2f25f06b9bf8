"""What a predicate of an attack pattern is once it is read: fields it may name, its nodes, and how they are judged."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from proofwatch.events.types import Device, Timings, Transaction

Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "prefix", "missing"]
Value = float | str | frozenset[float] | frozenset[str] | None
Getter = Callable[[Transaction], Any]

_NOWHERE: Final[dict[str, str]] = {}
_NO_DEVICE: Final = Device()
_NO_TIMINGS: Final = Timings()


@dataclass(frozen=True, slots=True)
class Field:
    """A field that a predicate may look at: what it holds, and how it is read (None: missing)."""

    kind: Literal["number", "text", "set"]
    read: Getter


def _device(name: str) -> Field:
    return Field("text", lambda t: getattr(t.device or _NO_DEVICE, name))


def _timing(name: str) -> Field:
    return Field("number", lambda t: getattr(t.timings or _NO_TIMINGS, name))


def _segment(name: str) -> Field:
    return Field("text", lambda t: (t.segments or _NOWHERE).get(name))


FIELDS: Final[dict[str, Field]] = {
    "match_score": Field("number", lambda t: t.match_score),
    "liveness_score": Field("number", lambda t: t.liveness_score),
    "checks": Field("set", lambda t: t.checks),
    **{f"device.{name}": _device(name) for name in ("model", "os", "os_version", "sdk_version")},
    **{f"timings.{name}": _timing(name) for name in Timings.__struct_fields__},
    **{f"segments.{name}": _segment(name) for name in ("device_model", "os", "sdk_version", "source")},
}
"""Everything a predicate may name. No reference to a person or handset, no personal segment, no time, no imagery."""


@dataclass(frozen=True, slots=True)
class Every:
    """All of the parts hold."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of the parts holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The part does not hold."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One field against a value; `value` None for `missing`, a set for `in` and for sets."""

    field: str
    op: Op
    value: Value


Node = Every | Some | Negation | Comparison


def compile_predicate(node: Node) -> Callable[[Transaction], bool]:
    """Return the predicate as a function, built of closures; it never raises on a decoded transaction."""
    match node:
        case Every(parts):
            tests = tuple(map(compile_predicate, parts))
            return lambda t: all(test(t) for test in tests)
        case Some(parts):
            tests = tuple(map(compile_predicate, parts))
            return lambda t: any(test(t) for test in tests)
        case Negation(part):
            inner = compile_predicate(part)
            return lambda t: not inner(t)
        case Comparison(field, op, value):
            return _comparison(FIELDS[field], op, value)


def _comparison(field: Field, op: Op, value: Any) -> Callable[[Transaction], bool]:
    read = field.read
    if op == "missing":
        return lambda t: read(t) is None
    holds = _SET_TESTS[op](value) if field.kind == "set" else _TESTS[op](value)

    def compare(transaction: Transaction) -> bool:
        found = read(transaction)
        return found is not None and holds(found)

    return compare


_TESTS: Final[dict[str, Callable[[Any], Callable[[Any], bool]]]] = {
    "eq": lambda value: lambda found: found == value,
    "ne": lambda value: lambda found: found != value,
    "lt": lambda value: lambda found: found < value,
    "le": lambda value: lambda found: found <= value,
    "gt": lambda value: lambda found: found > value,
    "ge": lambda value: lambda found: found >= value,
    "in": lambda value: lambda found: found in value,
    "prefix": lambda value: lambda found: found.startswith(value),
}
_SET_TESTS: Final[dict[str, Callable[[Any], Callable[[Any], bool]]]] = {
    "eq": lambda value: lambda found: value == frozenset(found),
    "ne": lambda value: lambda found: value != frozenset(found),
    "in": lambda value: lambda found: not value.isdisjoint(found),
}
