"""Conditions of a pattern as rows of a form, field, operator and value, and as the predicate that they are."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import orjson

from proofwatch.governance.predicate import FIELDS
from proofwatch.web.problems import Problem
from services.triage.api.lookback_bodies import SharedBy

How = Literal["all", "any"]
MOST: Final = 12
"""Rows of a form."""
SPARE: Final = 2
"""Empty rows beside those that say something."""
NAMES: Final[Mapping[str, str]] = {
    "device.model": "handset model", "device.os": "operating system", "device.os_version": "version of the system",
    "device.sdk_version": "version of the SDK", "match_score": "match score", "liveness_score": "liveness score",
    "checks": "checks that were asked for", "segments.device_model": "segment: handset model",
    "segments.os": "segment: operating system", "segments.sdk_version": "segment: version of the SDK",
    "segments.source": "segment: source",
}  # fmt: skip
OPS: Final[Mapping[str, str]] = {
    "eq": "is", "ne": "is not", "in": "is one of (commas between)", "prefix": "begins with", "lt": "is below",
    "le": "is at most", "gt": "is above", "ge": "is at least", "missing": "is missing",
}  # fmt: skip
_NUMBERS: Final = frozenset({"lt", "le", "gt", "ge"})


class Row(NamedTuple):
    """A condition as it stands in a form; all empty: none."""

    field: str = ""
    op: str = "eq"
    value: str = ""


def name_of(field: str) -> str:
    """Return what a field is called."""
    if field in NAMES:
        return NAMES[field]
    group, _, rest = field.partition(".")
    return f"{rest.removesuffix('_ms').replace('_', ' ')}, ms" if group == "timings" else field.replace("_", " ")


def given(fields: Sequence[tuple[str, str]]) -> list[Row]:
    """Return the rows that a form has, without the empty ones."""
    of = dict(fields)
    rows = [Row(*(of.get(f"{name}-{n}", "").strip() for name in Row._fields)) for n in range(MOST)]
    return [each for each in rows if each.field or each.value]


def shown(rows: Sequence[Row]) -> list[Row]:
    """Return rows with some empty ones behind them."""
    return [*rows, *[Row()] * max(1, min(SPARE, MOST - len(rows)))][:MOST]


def offered(shared: Sequence[SharedBy]) -> list[Row]:
    """Return conditions of what is offered of what members share."""
    rows = list[Row]()
    for each in shared:
        if each.offered and each.value is not None:
            rows.append(Row(each.field, "eq", each.value))
        elif each.offered:
            rows += [Row(each.field, "ge", _number(each.low)), Row(each.field, "le", _number(each.high))]
    return rows


def predicate_of(how: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Return the predicate that rows say, of which all hold or any. Raises `Problem`, which names the row's field."""
    if not rows:
        raise Problem(422, "malformed", "Choose what it is about: one condition at least", {"field": "field-0"})
    parts = [_part(number, row) for number, row in enumerate(rows)]
    return parts[0] if len(parts) == 1 else {"any" if how == "any" else "all": parts}


def rows_of(predicate: str) -> tuple[How, list[Row]] | None:
    """Return the rows that a predicate is; None: it is nested, and no form has it."""
    node = orjson.loads(predicate)
    how: How = "any" if "any" in node else "all"
    parts = node.get(how, [node])
    if len(parts) > MOST or not all("field" in each for each in parts):
        return None
    return how, [Row(each["field"], each["op"], _text(each.get("value"))) for each in parts]


def _part(number: int, row: Row) -> dict[str, Any]:
    field = FIELDS.get(row.field)
    if field is None:
        said = f"Row {number + 1}: choose what is compared"
        raise Problem(422, "malformed", said, {"field": f"field-{number}"})
    if row.op == "missing":
        return {"field": row.field, "op": "missing"}
    where = {"field": f"value-{number}"}
    if not row.value:
        raise Problem(
            422, "malformed", f"Row {number + 1}: what {name_of(row.field)} is compared with is missing", where
        )
    listed = row.op == "in" or field.kind == "set"
    values = [each.strip() for each in row.value.split(",") if each.strip()] if listed else [row.value]
    if field.kind == "number" or row.op in _NUMBERS:
        try:
            numbers = [float(each) for each in values]
        except ValueError:
            said = f"Row {number + 1}: {name_of(row.field)} is compared with a number such as 0.25"
            raise Problem(422, "malformed", said, where) from None
        return {"field": row.field, "op": row.op, "value": numbers if listed else numbers[0]}
    return {"field": row.field, "op": row.op, "value": values if listed else values[0]}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return "" if value is None else _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.12g}"
