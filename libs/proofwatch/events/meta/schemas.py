"""Rules for `events/*.json`: valid JSON Schema 2020-12 in the subset that the generated types enforce, all documented.

A keyword outside of the subset would be checked by JSON Schema validators and ignored by the services, and a
misspelled one by nobody; so both are refused.
"""

import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no type information
import referencing

from proofwatch.events.schema_files import DEFINITIONS, FILE, events
from proofwatch.governance.purposes import Category

__all__ = ["KEYWORDS", "UNITS", "events", "findings", "registry"]

# fmt: off
KEYWORDS = frozenset({
    "$schema", "$id", "$defs", "$ref", "title", "description", "type", "anyOf", "enum", "const", "default",
    "properties", "required", "additionalProperties", "propertyNames", "minProperties", "maxProperties",
    "items", "minItems", "maxItems", "format", "pattern", "minLength", "maxLength",
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "x-data-category", "x-unit",
})
# fmt: on
UNITS = frozenset({"1", "ms", "s", "B", "score"})
"""1: a count, a rank or a ratio; score: on the scale of the comparison or liveness score."""


def findings(root: Path) -> list[str]:
    """Return what is wrong in the schemas under `root`."""
    found: list[str] = []
    for path in sorted((root / "events").iterdir()):
        where = f"events/{path.name}"
        named = FILE.fullmatch(path.name)
        if not named:
            found.append(f"{where}: must be called <event>.v<version>.schema.json")
            continue
        try:
            schema = json.loads(path.read_text(encoding="utf-8"))
            jsonschema.Draft202012Validator.check_schema(schema)
        except (ValueError, jsonschema.SchemaError) as error:
            reason = error.message if isinstance(error, jsonschema.SchemaError) else str(error)
            found.append(f"{where}: is not a JSON Schema (2020-12): {reason}")
            continue
        found += [f"{where} {finding}" for finding in [*_frame(schema, named), *_node(schema, "$")]]
    return found or [
        f"events/{event}.v{version}.schema.json {finding}"
        for event, version, schema in events(root)
        for finding in _references(schema, "$", registry(root), f"{event}.v{version}.schema.json")
    ]


def registry(root: Path) -> "referencing.Registry[Any]":
    """Return every schema file by its name, for references between them."""
    files = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in (root / "events").iterdir()}
    return referencing.Registry().with_contents(files.items())


def _frame(schema: dict[str, Any], named: re.Match[str]) -> Iterator[str]:
    if schema.get("$id") != named.string:
        yield f"$: $id must be {named.string}"
    if named["event"] == DEFINITIONS:
        return
    for keyword in ("title", "description"):
        if not schema.get(keyword):
            yield f"$: has no {keyword}"
    version = schema.get("properties", {}).get("schema_version", {}).get("const")
    if version != int(named["version"]) or "schema_version" not in schema.get("required", []):
        yield f"$.properties.schema_version: must be required and have const {named['version']}"


def _node(node: dict[str, Any], where: str) -> Iterator[str]:
    for keyword in node.keys() - KEYWORDS:
        close = difflib.get_close_matches(keyword, KEYWORDS, n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(sorted(KEYWORDS))}"
        yield f"{where}: unknown keyword {keyword}{hint}"
    if "properties" in node:
        yield from _object(node, where)
    for place, part, documented in _parts(node, where):
        if documented:
            yield from _documented(part, place)
        yield from _node(part, place)


def _object(node: dict[str, Any], where: str) -> Iterator[str]:
    if node.get("additionalProperties") is not False:
        yield f"{where}: additionalProperties must be false, as in the types"
    required = node.get("required", [])
    for name in set(required) - node["properties"].keys():
        yield f"{where}: requires {name}, which is not among its properties"
    for name, field in node["properties"].items():
        if name not in required and "default" not in field and not _nullable(field):
            yield f"{where}.properties.{name}: is optional without a default, so it must allow null, which means absent"


def _nullable(field: dict[str, Any]) -> bool:
    return "null" in field.get("type", []) or {"type": "null"} in field.get("anyOf", [])


def _parts(node: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the schemas inside `node`: where, what, and whether each is a field that must be documented."""
    for name, part in node.get("properties", {}).items():
        yield f"{where}.properties.{name}", part, True
    for name, part in node.get("$defs", {}).items():
        yield f"{where}.$defs.{name}", part, False
    for keyword in ("items", "additionalProperties"):
        if isinstance(node.get(keyword), dict):
            yield f"{where}.{keyword}", node[keyword], True
    if "propertyNames" in node:
        yield f"{where}.propertyNames", node["propertyNames"], False
    for index, part in enumerate(node.get("anyOf", [])):
        yield f"{where}.anyOf[{index}]", part, False


def _documented(field: dict[str, Any], where: str) -> Iterator[str]:
    if not str(field.get("description", "")).strip():
        yield f"{where}: has no description"
    category, unit = field.get("x-data-category"), field.get("x-unit")
    if category not in list(Category):
        yield f"{where}: x-data-category must be one of {', '.join(Category)}"
    kinds = field.get("type", [])
    numeric = {"number", "integer"} & set([kinds] if isinstance(kinds, str) else kinds)
    if (numeric or unit is not None) and unit not in UNITS:
        yield f"{where}: x-unit must be one of {', '.join(sorted(UNITS))}"


def _references(node: dict[str, Any], where: str, files: "referencing.Registry[Any]", base: str) -> Iterator[str]:
    if "$ref" in node:
        try:
            files.resolver(base_uri=base).lookup(node["$ref"])
        except referencing.exceptions.Unresolvable:
            yield f"{where}: $ref {node['$ref']} leads nowhere"
    for place, part, _ in _parts(node, where):
        yield from _references(part, place, files, base)
