"""From an event's JSON Schema to its Avro schema (Avro 1.12). Pure.

What becomes what, and why (docs/adr/0010-wire-formats.md says more):

| JSON Schema | Avro | because |
|---|---|---|
| a const | int | only `schema_version` is one |
| integer / number / boolean | long / double / boolean | |
| string, whatever its format | string | a date-time keeps its offset and digits, an id its spelling |
| enum | enum where every symbol is a legal Avro name, else string | |
| array / map | array / map | |
| a shared definition | a named record, written out where it first occurs | |
| nullable | union of null and the type | |
| optional | union of null and the type, default null; null means absent | what is absent stays absent |

Bounds, lengths and patterns cannot be said in Avro: the codec checks them after decoding.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

NAMESPACE: Final = "proofwatch.v{}"
_LEGAL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCALARS: Final = {"integer": "long", "number": "double", "boolean": "boolean", "string": "string"}
_KEPT: Final = ("x-data-category", "x-unit")

Schema = dict[str, Any]


class NotInAvro(ValueError):
    """The JSON Schema says something that this mapping does not know; the message says where."""


def avro_schema(schema: Mapping[str, Any], version: int, definitions: Mapping[str, Any]) -> Schema:
    """Return the Avro record of an event. Raises `NotInAvro`.

    `definitions` are the shared parts (`$defs` of definitions.v1) by their name.
    """
    return _Mapping(version, definitions).record(schema["title"], schema)


def full_name(schema: Mapping[str, Any]) -> str:
    """Return the name of a record as a registry knows it, for example `proofwatch.v1.Verdict`."""
    return f"{schema['namespace']}.{schema['name']}"


class _Mapping:
    """One event's mapping: every named type is written out once, and named from then on."""

    def __init__(self, version: int, definitions: Mapping[str, Any]) -> None:
        self.namespace = NAMESPACE.format(version)
        self.definitions = definitions
        self.written: set[str] = set()
        self.event = ""

    def record(self, name: str, node: Mapping[str, Any]) -> Schema:
        required = node.get("required", [])
        self.event = self.event or name
        outermost = {"namespace": self.namespace} if name == self.event else {}
        self.written.add(name)
        return {
            "type": "record",
            "name": name,
            **outermost,
            "doc": node["description"],
            "fields": [self.field(name, key, part, key in required) for key, part in node["properties"].items()],
        }

    def field(self, owner: str, name: str, node: Mapping[str, Any], required: bool) -> Schema:
        if "default" in node and owner != self.event:
            raise NotInAvro(f"{owner}.{name}: only a field of the event itself may have a default")
        kind, nullable = self.type(owner + _camel(name), node)
        union = ["null", kind] if nullable or not required else kind
        described = {"x-format": node["format"]} if "format" in node else {}
        return {
            "name": name,
            "type": union,
            **({} if required else {"default": None}),
            "doc": node["description"],
            **{key: node[key] for key in _KEPT if key in node},
            **described,
        }

    def type(self, name: str, node: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return the type, and whether null is allowed beside it; `name` is for an enum."""
        if "anyOf" in node:
            (inner,) = [part for part in node["anyOf"] if part != {"type": "null"}] or [{}]
            return self.type(name, inner)[0], {"type": "null"} in node["anyOf"]
        if "$ref" in node:
            return self.reference(node["$ref"].rsplit("/", 1)[1]), False
        if "const" in node:
            return "int", False
        types = [node["type"]] if isinstance(node.get("type"), str) else node.get("type", [])
        kinds = [kind for kind in types if kind != "null"]
        if len(kinds) != 1:
            raise NotInAvro(f"{name}: type is {node.get('type')}; it must be one type, or one and null")
        return self.single(name, kinds[0], node), "null" in types

    def single(self, name: str, kind: str, node: Mapping[str, Any]) -> Any:
        if kind == "array":
            return {"type": "array", "items": self.inner(name, node["items"])}
        if kind == "object" and isinstance(node.get("additionalProperties"), dict):
            return {"type": "map", "values": self.inner(name, node["additionalProperties"])}
        if kind not in _SCALARS:
            raise NotInAvro(f"{name}: an object with fields of its own must be a shared definition")
        symbols = [symbol for symbol in node.get("enum", ()) if symbol is not None]
        if symbols and all(isinstance(symbol, str) and _LEGAL.fullmatch(symbol) for symbol in symbols):
            self.written.add(name)
            return {"type": "enum", "name": name, "symbols": symbols}
        return _SCALARS[kind]

    def inner(self, name: str, node: Mapping[str, Any]) -> Any:
        kind, nullable = self.type(name, node)
        return ["null", kind] if nullable else kind

    def reference(self, definition: str) -> Any:
        name = definition.capitalize()
        return name if name in self.written else self.record(name, self.definitions[definition])


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
