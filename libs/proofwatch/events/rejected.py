"""The error for a record that must go to the dead-letter topic, and its explanation.

The explanation is made from the schema alone (where, and what would be right). Of msgspec's own message only the
place is used, because it may quote the offending value, and values are personal data.
"""

import re
from functools import cache

import msgspec
from msgspec import inspect

from proofwatch.events.enumerations import DeadLetterReason

_PLACE = re.compile(r" - at (`key` in )?`\$((?:\.\w+|\[(?:\d+|\.\.\.)\])+)`\Z")
_STEP = re.compile(r"\.\w+|\[")
_MISSING = re.compile(r"Object missing required field `(\w+)`")


class Rejected(Exception):
    """The record can never be processed: dead-letter it with `reason` and `message`, and go on."""

    def __init__(self, reason: DeadLetterReason, message: str) -> None:
        super().__init__(message)
        self.reason: DeadLetterReason = reason
        self.message = message


def explain(event: type[msgspec.Struct], error: msgspec.ValidationError) -> str:
    """Return where `error` is and what would be right there, without anything that the record held."""
    text = str(error)
    place, wanted = "$", _schema(event)
    found = _PLACE.search(text)
    if found:
        place, wanted = _follow(wanted, found.group(2))
        if found.group(1) and isinstance(wanted, inspect.DictType):
            return f"{place}: must have keys that are {_right(wanted.key_type)}"
    if missing := _MISSING.match(text):
        return f"{place}.{missing.group(1)}: is missing"
    if text.startswith("Object contains unknown field") and isinstance(wanted, inspect.StructType):
        known = ", ".join(field.encode_name for field in wanted.fields)
        return f"{place}: has a field that the schema does not know; it knows {known}"
    return f"{place}: must be {_right(wanted)}"


@cache
def _schema(event: type[msgspec.Struct]) -> inspect.Type:
    return inspect.type_info(event)


def _follow(schema: inspect.Type, place: str) -> tuple[str, inspect.Type]:
    """Return the place in words of the schema, and what the schema says there.

    A field name of the record can imitate a place; a step that the schema does not have ends the walk.
    """
    walked, here = "$", _present(schema)
    for step in _STEP.findall(place):
        if step == "[":
            inner = _element(here)
        else:
            inner = next((f.type for f in _fields(here) if f.encode_name == step[1:]), None)
        if inner is None:
            return "$", schema
        walked, here = walked + ("[]" if step == "[" else step), _present(inner)
    return walked, here


def _fields(schema: inspect.Type) -> tuple[inspect.Field, ...]:
    return schema.fields if isinstance(schema, inspect.StructType) else ()


def _element(schema: inspect.Type) -> inspect.Type | None:
    if isinstance(schema, inspect.VarTupleType):
        return schema.item_type
    return schema.value_type if isinstance(schema, inspect.DictType) else None


def _present(schema: inspect.Type) -> inspect.Type:
    """Return what a nullable type is when it is not null."""
    if isinstance(schema, inspect.UnionType):
        return next(member for member in schema.types if not isinstance(member, inspect.NoneType))
    return schema


def _right(schema: inspect.Type) -> str:
    """Say what fits, for example "a number from 0 to 1"."""
    match schema:
        case inspect.LiteralType(values=(version,)):
            return repr(version)
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(str(value) for value in values)
        case inspect.IntType():
            return "a whole number" + _bounds(schema)
        case inspect.FloatType():
            return "a number" + _bounds(schema)
        case inspect.StrType(pattern=str() as pattern):
            return "text that matches " + pattern.replace(r"\Z", "$")
        case inspect.StrType():
            return "text" + _lengths(schema, "characters")
        case inspect.VarTupleType():
            return "a list" + _lengths(schema, "items")
        case inspect.DateTimeType():
            return "a date and time with offset, for example 2026-01-31T09:30:00Z"
        case inspect.BoolType():
            return "true or false"
        case _:
            return "an object" + (_lengths(schema, "entries") if isinstance(schema, inspect.DictType) else "")


def _bounds(schema: inspect.IntType | inspect.FloatType) -> str:
    limits = [("≥", schema.ge), (">", schema.gt), ("≤", schema.le), ("<", schema.lt)]
    return " and".join(f" {sign} {limit:.15g}" for sign, limit in limits if limit is not None)


def _lengths(schema: inspect.StrType | inspect.VarTupleType | inspect.DictType, of: str) -> str:
    if schema.max_length is None:
        return f" of at least {schema.min_length} {of}" if schema.min_length else ""
    return f" of {schema.min_length or 0} to {schema.max_length} {of}"
