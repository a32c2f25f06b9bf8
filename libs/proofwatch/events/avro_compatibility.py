"""Whether a newer Avro schema still reads what an older one wrote: Avro 1.12, "Schema Resolution", without any data.

BACKWARD_TRANSITIVE, as a registry calls it, is this question asked of every schema that was ever released. One rule is
the house's own: a field may not go, because readers refuse what they do not know and would refuse old records.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_PROMOTIONS: Final = {
    "int": {"long", "float", "double"},
    "long": {"float", "double"},
    "float": {"double"},
    "string": {"bytes"},
    "bytes": {"string"},
}


def breaks(writer: Any, reader: Any) -> list[str]:
    """Return why `reader` does not read everything that `writer` wrote; empty: it does.

    Each finding says where in the reader's schema, what is wrong, and what would be right.
    """
    return list(_Resolution(_named(writer), _named(reader)).between(writer, reader, "$"))


class _Resolution:
    def __init__(self, written: Mapping[str, Any], read: Mapping[str, Any]) -> None:
        """Take the named types of both schemas by their unqualified names."""
        self.written = written
        self.read = read

    def between(self, writer: Any, reader: Any, place: str) -> Iterator[str]:
        """Yield what of `writer` does not fit `reader`."""
        writer, reader = self.written.get(_name(writer), writer), self.read.get(_name(reader), reader)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.between(branch, reader, place)
        elif isinstance(reader, list):
            yield from self._one_of(writer, reader, place)
        elif self._alike(writer, reader):
            yield from self._inside(writer, reader, place)
        elif _kind(reader) not in _PROMOTIONS.get(_kind(writer), ()):
            yield _changed(writer, reader, place)

    def _one_of(self, writer: Any, branches: list[Any], place: str) -> Iterator[str]:
        if any(next(self.between(writer, branch, place), None) is None for branch in branches):
            return
        same = next((branch for branch in branches if self._alike(writer, branch)), None)
        if same is None:
            yield _changed(writer, branches, place)
        else:
            yield from self.between(writer, same, place)

    def _inside(self, writer: Any, reader: Any, place: str) -> Iterator[str]:
        """Yield what differs inside of two types of the same kind and name."""
        match _kind(reader):
            case "record":
                yield from self._records(writer, reader, place)
            case "enum":
                if gone := [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]:
                    yield f"{place}: no longer knows {', '.join(gone)}; keep every symbol that was ever written"
            case "array":
                yield from self.between(writer["items"], reader["items"], f"{place}[]")
            case "map":
                yield from self.between(writer["values"], reader["values"], f"{place}[]")

    def _records(self, writer: Any, reader: Any, place: str) -> Iterator[str]:
        written = {field["name"]: field for field in writer["fields"]}
        read = {field["name"]: field for field in reader["fields"]}
        for name, field in read.items():
            if name in written:
                yield from self.between(written[name]["type"], field["type"], f"{place}.{name}")
            elif "default" not in field:
                yield f"{place}.{name}: is new and has no default; make it optional"
        for name in written.keys() - read.keys():
            yield f"{place}.{name}: is gone; keep it, or begin a new version of the event"

    def _alike(self, writer: Any, reader: Any) -> bool:
        writer, reader = self.written.get(_name(writer), writer), self.read.get(_name(reader), reader)
        if _kind(writer) != _kind(reader):
            return False
        return _kind(reader) not in ("record", "enum") or _name(writer) == _name(reader)


def _changed(writer: Any, reader: Any, place: str) -> str:
    return f"{place}: was {_shown(writer)} and is {_shown(reader)}; keep the type, or begin a new version of the event"


def _named(schema: Any) -> dict[str, Any]:
    """Return every named type inside, by its unqualified name, which is what resolution compares."""
    found: dict[str, Any] = {}
    parts: list[Any] = [schema]
    while parts:
        part = parts.pop()
        if isinstance(part, list):
            parts += part
        elif isinstance(part, dict):
            if part["type"] in ("record", "enum"):
                found[_name(part)] = part
            parts += [field["type"] for field in part.get("fields", ())]
            parts += [part[key] for key in ("items", "values") if key in part]
    return found


def _name(schema: Any) -> str:
    if isinstance(schema, dict):
        return str(schema.get("name", "")).rpartition(".")[2]
    return schema.rpartition(".")[2] if isinstance(schema, str) else ""


def _kind(schema: Any) -> str:
    return str(schema["type"]) if isinstance(schema, dict) else "union" if isinstance(schema, list) else str(schema)


def _shown(schema: Any) -> str:
    if isinstance(schema, list):
        return " or ".join(map(_shown, schema))
    return f"{_kind(schema)} {_name(schema)}" if _kind(schema) in ("record", "enum") else _kind(schema)
