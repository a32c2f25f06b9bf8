"""What a schema registry holds of our events, and under which names.

One subject for each event, version and format, called as the record is (Confluent's RecordNameStrategy):
`proofwatch.v1.Verdict` for Avro, `proofwatch.v1.json.Verdict` for JSON. A manifest may let several events, or two
versions of one, travel on a topic, and versions are made to be incompatible; one subject for each topic forbids both.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from proofwatch.events.avro import FOLDER
from proofwatch.events.avro_schema import NAMESPACE, full_name
from proofwatch.events.schema_files import definitions, events

WireFormat = Literal["json", "avro"]
_DRAFT_07: Final = "http://json-schema.org/draft-07/schema#"
"""Registries compare drafts up to 07; our keywords mean the same there."""


class Subject(NamedTuple):
    """One event as it is registered; `event` is the name of its class, `text` the schema."""

    name: str
    schema_type: Literal["AVRO", "JSON"]
    text: str
    event: str
    version: int


def subjects(root: Path, wire_format: WireFormat) -> list[Subject]:
    """Return what is registered for the events under `root`, by the committed Avro schemas or as draft-07."""
    return [
        (_avro if wire_format == "avro" else _json)(root, event, version, schema)
        for event, version, schema in events(root)
    ]


def _avro(root: Path, event: str, version: int, schema: dict[str, Any]) -> Subject:
    committed = json.loads((root / FOLDER / f"{event}.v{version}.avsc").read_text(encoding="utf-8"))
    return Subject(full_name(committed), "AVRO", _compact(committed), schema["title"], version)


def _json(root: Path, event: str, version: int, schema: dict[str, Any]) -> Subject:
    name = f"{NAMESPACE.format(version)}.json.{schema['title']}"
    shared = definitions(root)
    own = {key: value for key, value in schema.items() if not key.startswith("$")}
    whole = {
        "$schema": _DRAFT_07,
        **own,
        "title": name,
        "definitions": {key: shared[key] for key in _used(own, shared)},
    }
    return Subject(name, "JSON", _compact(_inside(whole)), schema["title"], version)


def _used(node: Any, shared: dict[str, Any]) -> list[str]:
    """Return the definitions that `node` refers to, directly or through others, in the order of their names."""
    found: set[str] = set()
    parts = [node]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            parts += part.values()
            name = part.get("$ref", "").rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                parts.append(shared[name])
    return sorted(found)


def _inside(node: Any) -> Any:
    if isinstance(node, list):
        return [_inside(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: f"#/definitions/{value.rpartition('/')[2]}" if key == "$ref" else _inside(value)
        for key, value in node.items()
    }


def _compact(schema: dict[str, Any]) -> str:
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
