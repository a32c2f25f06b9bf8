"""Which category of data each field of an event is, as `x-data-category` of its schema says."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from proofwatch import resources
from proofwatch.events.schema_files import events
from proofwatch.governance.purposes import Category

_ITEMS: Final = ("items", "additionalProperties")


@cache
def categories_of(event: str, version: int = 1) -> Mapping[str, Category]:
    """Return the category of every field that can occur, by its place, such as `$.device.model`.

    A list's or a map's values stand under its name with `[]`. Raises `KeyError` for an event that there is not.
    """
    root = resources.schemas()
    schemas = {(name, number): schema for name, number, schema in events(root)}
    return dict(fields_of(schemas[event, version], root))


def fields_of(schema: dict[str, Any], root: Path) -> Iterator[tuple[str, Category]]:
    """Yield place and category of every field of a schema, through references; `root` has `events/`."""
    yield from _fields(schema, "$", root / "events", schema)


def _fields(node: dict[str, Any], place: str, folder: Path, document: dict[str, Any]) -> Iterator[tuple[str, Category]]:
    if "x-data-category" in node:
        yield place, Category(node["x-data-category"])
    for part in (node, *node.get("anyOf", [])):
        if "$ref" in part:
            target, its_document = _target(part["$ref"], folder, document)
            yield from _fields(target, place, folder, its_document)
    for name, part in node.get("properties", {}).items():
        yield from _fields(part, f"{place}.{name}", folder, document)
    for keyword in _ITEMS:
        if isinstance(node.get(keyword), dict):
            yield from _fields(node[keyword], f"{place}[]", folder, document)


def _target(reference: str, folder: Path, document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    file, _, pointer = reference.partition("#")
    node = document = json.loads((folder / file).read_text(encoding="utf-8")) if file else document
    for name in pointer.strip("/").split("/"):
        node = node[name]
    return node, document
