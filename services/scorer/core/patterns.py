"""The attack patterns in force, so arranged that many of them cost a transaction little.

Most patterns require one field to have one of a few values (`device.sdk_version` eq …, `device.model` in …). Such
patterns are looked up by that value, one dictionary for each field; only the others are tried on every transaction.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

from proofwatch.events.enumerations import PatternHitDecision
from proofwatch.events.types import AttackPattern, PatternHit, Transaction
from proofwatch.governance.predicate import FIELDS, Node, compile_predicate, parse
from proofwatch.governance.predicate_nodes import Comparison, Every, Negation, Some

_Required = dict[str, frozenset[Any]]
_Getter = Callable[[Transaction], Any]
_INDEXED: Final = ("text", "number")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A published attack pattern, compiled. `numbers`: the numeric fields that it compares."""

    published: AttackPattern
    node: Node
    test: Callable[[Transaction], bool]
    numbers: tuple[str, ...]

    @classmethod
    def of(cls, published: AttackPattern) -> Self:
        """Compile the pattern. Raises `InvalidPredicate`."""
        node = parse(published.predicate)
        numbers = sorted({each.field for each in _comparisons(node) if FIELDS[each.field].kind == "number"})
        return cls(published, node, compile_predicate(node), tuple(numbers))

    @property
    def is_shadow(self) -> bool:
        """Return whether a match is told and changes nothing."""
        return self.published.state == "shadow"

    def evidence(self, event: Transaction) -> dict[str, float]:
        """Return the pattern's revision, and what the event holds in the numeric fields that it compares."""
        found = {name: FIELDS[name].read(event) for name in self.numbers}
        return {"revision": float(self.published.revision)} | {k: float(v) for k, v in found.items() if v is not None}


class Patterns:
    """The patterns in force; false when there are none."""

    __slots__ = ("_by_field", "_others", "patterns")

    def __init__(self, patterns: Iterable[Pattern] = ()) -> None:
        """Arrange the patterns: each under the field that most of them share, hence as few look-ups as can be."""
        self.patterns = tuple(sorted(patterns, key=lambda each: each.published.pattern_id))
        required = [(each, _required(each.node)) for each in self.patterns]
        shared = Counter(field for _, fields in required for field in fields)
        by_field: dict[str, dict[Any, tuple[Pattern, ...]]] = {}
        others: list[Pattern] = []
        for each, fields in required:
            if not fields:
                others.append(each)
                continue
            field = min(fields, key=lambda name: (-shared[name], len(fields[name]), name))
            by_value = by_field.setdefault(field, {})
            for value in fields[field]:
                by_value[value] = (*by_value.get(value, ()), each)
        self._by_field = tuple((FIELDS[name].read, by_value) for name, by_value in sorted(by_field.items()))
        self._others = tuple(others)

    @classmethod
    def of(cls, in_force: Iterable[AttackPattern]) -> Self:
        """Compile and arrange published patterns. Raises `InvalidPredicate`."""
        return cls(map(Pattern.of, in_force))

    def __bool__(self) -> bool:
        """Return whether there is anything to compare with."""
        return bool(self.patterns)

    def matches(self, event: Transaction) -> tuple[Pattern, ...]:
        """Return the patterns that the transaction matches, by their ids."""
        found: list[Pattern] = []
        for read, by_value in self._by_field:
            candidates = by_value.get(read(event))
            if candidates:
                found += [each for each in candidates if each.test(event)]
        if self._others:
            found += [each for each in self._others if each.test(event)]
        if len(found) > 1:
            found.sort(key=lambda each: each.published.pattern_id)
        return tuple(found)


def live(matched: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    """Return those of the patterns that raise a suspicion."""
    return tuple(each for each in matched if not each.is_shadow)


def hits(event: Transaction, matched: Iterable[Pattern], decision: PatternHitDecision) -> list[PatternHit]:
    """Return what is told of the patterns that a transaction matches, in shadow or live; it names no person."""
    return [
        PatternHit(
            schema_version=1,
            tenant=event.tenant,
            transaction_id=event.transaction_id,
            attempt_id=event.attempt_id,
            occurred_at=event.occurred_at,
            pattern_id=each.published.pattern_id,
            revision=each.published.revision,
            mode="shadow" if each.is_shadow else "live",
            decision=decision,
        )
        for each in matched
    ]


def _required(node: Node) -> _Required:
    """Return fields that must have one of the values given, or the predicate is false."""
    match node:
        case Comparison(field, "eq", value) if FIELDS[field].kind in _INDEXED:
            return {field: frozenset([value])}
        case Comparison(field, "in", frozenset() as values) if FIELDS[field].kind in _INDEXED:
            return {field: frozenset(values)}
        case Every(parts):
            found: _Required = {}
            for part in parts:
                for field, values in _required(part).items():
                    found[field] = found[field] & values if field in found else values
            return found
        case Some(parts):
            first, *rest = map(_required, parts)
            everywhere = set(first).intersection(*rest)
            return {field: first[field].union(*(each[field] for each in rest)) for field in everywhere}
    return {}


def _comparisons(node: Node) -> Iterable[Comparison]:
    match node:
        case Comparison():
            yield node
        case Every(parts) | Some(parts):
            for part in parts:
                yield from _comparisons(part)
        case Negation(part):
            yield from _comparisons(part)
