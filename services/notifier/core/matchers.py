"""Conditions on labels, as Alertmanager writes them: `tenant=acme`, `kind!=lag`, `service=~scorer|ledger`.

A label that a fact does not have is the empty text. An expression must match the whole value.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import BeforeValidator

Operator = Literal["=", "!=", "=~", "!~"]
_SHAPE: Final = re.compile(r"\s*([a-z_][a-z0-9_]{0,63})\s*(=~|!~|!=|=)\s*(.{0,258}?)\s*", re.ASCII)
_LONGEST: Final = 256
_SHOWN: Final = 'tenant=acme, kind!=lag, service=~"scorer|ledger"'


class Matcher(NamedTuple):
    """One condition on one label."""

    label: str
    operator: Operator
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels satisfy it."""
        value = labels.get(self.label, "")
        if self.operator in ("=", "!="):
            return (value == self.value) == (self.operator == "=")
        return (_expression(self.value).fullmatch(value) is not None) == (self.operator == "=~")

    def __str__(self) -> str:
        """Return it as it is written."""
        return f'{self.label}{self.operator}"{self.value}"'


def matcher(text: object) -> Matcher:
    """Read one. Raises `ValueError`, saying what would be right."""
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        msg = f"is no condition on a label: write {_SHOWN}"
        raise ValueError(msg)
    label, operator, value = found.groups()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if len(value) > _LONGEST:
        msg = f"has a value of more than {_LONGEST} characters: write a shorter one"
        raise ValueError(msg)
    read = Matcher(label, cast("Operator", operator), value)
    if operator in ("=~", "!~"):
        _expression(value)
    return read


def all_hold(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Return whether every condition holds; none at all holds for everything."""
    return all(each.holds(labels) for each in matchers)


@lru_cache(maxsize=1024)
def _expression(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        msg = f"is no regular expression ({error})"
        raise ValueError(msg) from None


MatcherText = Annotated[Matcher, BeforeValidator(lambda text: text if isinstance(text, Matcher) else matcher(text))]
"""A matcher of the routes file."""
