"""Changes of a committed Avro schema, and whether they are compatible: asked of our checker and of a real registry."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from proofwatch import resources
from proofwatch.events.registry_subjects import subjects

AVRO = {subject.event: subject.text for subject in subjects(resources.schemas(), "avro")}


class Change(NamedTuple):
    """What was done to the verdict's schema; `finding`: what our checker says, None where it is compatible."""

    name: str
    do: Callable[[dict[str, Any]], object]
    finding: str | None


def changed(change: Change, event: str = "Verdict") -> dict[str, Any]:
    """Return the schema after the change."""
    schema: dict[str, Any] = json.loads(AVRO[event])
    change.do(schema)
    return schema


def field(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return the field at the path, through records and unions."""
    found: dict[str, Any] = next(each for each in schema["fields"] if each["name"] == path[0])
    if len(path) == 1:
        return found
    inner = found["type"][1] if isinstance(found["type"], list) else found["type"]
    return field(inner, *path[1:])


def _add(*path: str, **made: Any) -> Callable[[dict[str, Any]], object]:
    def do(schema: dict[str, Any]) -> None:
        inner = field(schema, *path)["type"] if path else schema
        (inner[1] if isinstance(inner, list) else inner)["fields"].append({"name": "new", **made})

    return do


def _set(*path: str, **changes: Any) -> Callable[[dict[str, Any]], object]:
    return lambda schema: field(schema, *path).update(changes)


KEPT = "keep the type, or begin a new version of the event"
CHANGES = (
    Change("nothing", lambda _: None, None),
    Change("optional field", _add(type=["null", "string"], default=None), None),
    Change("optional field inside", _add("device", type=["null", "string"], default=None), None),
    Change("field with a default", _add(type="int", default=0), None),
    Change("doc", _set("tenant", doc="Whose."), None),
    Change("wider number", _set("schema_version", type="long"), None),
    Change("nullable", _set("tenant", type=["null", "string"]), None),
    Change("new symbol", lambda s: field(s, "decision")["type"]["symbols"].append("defer"), None),
    Change("required field", _add(type="string"), "$.new: is new and has no default; make it optional"),
    Change(
        "required field inside",
        _add("basis", type="string"),
        "$.basis.new: is new and has no default; make it optional",
    ),
    Change("type", _set("tenant", type="long"), f"$.tenant: was string and is long; {KEPT}"),
    Change(
        "type inside",
        _set("device", "os", type=["null", "long"]),
        f"$.device.os: was string and is null or long; {KEPT}",
    ),
    Change(
        "narrower number",
        _set("basis", "controls_version", type="int"),
        f"$.basis.controls_version: was long and is int; {KEPT}",
    ),
    Change("no longer nullable", _set("match_score", type="double"), f"$.match_score: was null and is double; {KEPT}"),
    Change(
        "other member",
        _set("match_score", type=["null", "string"]),
        f"$.match_score: was double and is null or string; {KEPT}",
    ),
    Change(
        "symbol gone",
        lambda s: field(s, "decision")["type"]["symbols"].remove("refer"),
        "$.decision: no longer knows refer; keep every symbol that was ever written",
    ),
    Change(
        "renamed enum",
        lambda s: field(s, "decision")["type"].update(name="Decided"),
        f"$.decision: was enum VerdictDecision and is enum Decided; {KEPT}",
    ),
    Change(
        "list of others",
        lambda s: field(s, "reasons")["type"].update(items="long"),
        f"$.reasons[]: was enum VerdictReasons and is long; {KEPT}",
    ),
    Change(
        "map of others",
        lambda s: field(s, "segments")["type"][1].update(values="long"),
        f"$.segments[]: was string and is long; {KEPT}",
    ),
)

HOUSE_RULE = Change(
    "field gone",
    lambda s: s["fields"].remove(field(s, "match_score")),
    "$.match_score: is gone; keep it, or begin a new version of the event",
)
"""Avro allows it; we do not, because readers refuse fields that they do not know."""
