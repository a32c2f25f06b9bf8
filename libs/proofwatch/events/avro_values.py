"""Avro values of events, through fastavro (the `registry` extra).

Reading takes two steps. fastavro resolves what was written with the writer's schema to the reader's (Avro 1.12,
"Schema Resolution"). The result then passes through the event's own codec, so that whatever Avro cannot say (bounds,
lengths, patterns, U+0000, the version) is judged by the same code, and refused in the same words, as JSON.
"""

import io
import json
import math
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import fastavro
import msgspec
import orjson
from fastavro.read import SchemaResolutionError
from fastavro.schema import SchemaParseException, UnknownType, to_parsing_canonical_form

from proofwatch.events.codec import Codec
from proofwatch.events.rejected import Rejected

T = TypeVar("T", bound=msgspec.Struct)

_NOT_FINITE: Final = re.compile(rb"[\xf0-\xff][\x7f\xff]")
"""What the little-endian bytes of NaN and of the infinities end with; text never holds it, numbers rarely do."""


class UnusableSchema(ValueError):
    """The text is not a schema that fastavro can read by."""


class NotWritable(ValueError):
    """An event cannot be said in Avro; nothing of it is quoted."""


def parsed(text: str) -> dict[str, Any]:
    """Return a schema made ready for reading and writing. Raises `UnusableSchema`."""
    try:
        schema = fastavro.parse_schema(json.loads(text))
        if isinstance(schema, dict) and schema.get("type") == "record":
            return schema
    except (ValueError, TypeError, KeyError, AttributeError, SchemaParseException, UnknownType):
        raise UnusableSchema("is not an Avro schema") from None
    raise UnusableSchema("is not the Avro schema of a record")


def encoder(codec: Codec[T], schema: dict[str, Any], head: bytes) -> Callable[[T], bytes]:
    """Return the function that writes an event behind `head`; equal events give equal bytes.

    It raises `NotWritable` for what JSON can hold and Avro cannot: a whole number of more than 64 bits.
    """
    write, encode, loads = fastavro.schemaless_writer, codec.encode, orjson.loads

    def written(event: T) -> bytes:
        stream = io.BytesIO()
        stream.write(head)
        try:
            write(stream, schema, loads(encode(event)))  # by way of JSON: lists, sorted maps, its spelling of times
        except (ValueError, OverflowError, TypeError):
            pass
        else:
            return stream.getvalue()
        # raised here, without a cause: fastavro's errors quote values
        raise NotWritable(f"{codec.event.__name__}: holds a number that Avro has no type for")

    return written


def decoder(
    codec: Codec[T], writer: dict[str, Any], reader: dict[str, Any], schema_id: int, skip: int
) -> Callable[[bytes], T]:
    """Return the function that reads an event behind `skip` bytes. It raises `Rejected`."""
    read = _same(writer) if _canonical(writer) == _canonical(reader) else _resolving(writer, reader)
    absent, decode, dumps = _null_means_absent(codec), codec.decode, orjson.dumps

    def event(value: bytes) -> T:
        fields = _fields(read, value, skip, schema_id)
        if isinstance(fields, Rejected):
            raise fields
        for name in absent:
            if name in fields and fields[name] is None:
                del fields[name]
        if _NOT_FINITE.search(value) and not _finite(fields):
            raise Rejected("malformed", "$: holds NaN or an infinity; send finite numbers")
        try:
            document = dumps(fields)
        except TypeError:
            document = None
        if document is None:
            raise Rejected("schema_mismatch", "$: holds bytes or decimals; send text and numbers")
        return decode(document)

    return event


_Read = Callable[[io.BytesIO], Any]


def _fields(read: _Read, value: bytes, skip: int, schema_id: int) -> Any:
    """Return the record as a dict, or the refusal; nothing is raised, so that no cause that quotes values hangs on."""
    stream = io.BytesIO(value)
    stream.seek(skip)
    try:
        fields = read(stream)
        if not stream.read(1):
            return fields
    except UnicodeDecodeError:
        return Rejected("malformed", "$: holds text that is not UTF-8")
    except Exception:  # noqa: BLE001, S110 — fastavro raises all kinds, and each is about these bytes
        pass
    return Rejected("malformed", f"$: is not Avro of schema {schema_id}; write it by the schema whose id is in front")


def _same(writer: dict[str, Any]) -> _Read:
    return lambda stream: fastavro.schemaless_reader(stream, writer, None)


def _resolving(writer: dict[str, Any], reader: dict[str, Any]) -> _Read:
    """Resolve, but let nothing that was said be dropped in silence: what has no place is left in for the codec.

    The same goes for what cannot be resolved, such as an unknown symbol: the codec says what is wrong with it.
    """

    def read(stream: io.BytesIO) -> Any:
        start = stream.tell()
        written: Any = fastavro.schemaless_reader(stream, writer, None)
        end = stream.tell()
        stream.seek(start)
        try:
            resolved: Any = fastavro.schemaless_reader(stream, writer, reader)
        except SchemaResolutionError:
            stream.seek(end)
            return written
        return written if _dropped(written, resolved) else resolved

    return read


def _dropped(written: Any, resolved: Any) -> bool:
    """Return whether something other than null was written that the reader's schema has no place for."""
    if isinstance(written, dict) and isinstance(resolved, dict):
        return any(
            _dropped(value, resolved[key]) if key in resolved else value is not None for key, value in written.items()
        )
    if isinstance(written, list) and isinstance(resolved, list):
        return any(map(_dropped, written, resolved))
    return False


def _canonical(schema: dict[str, Any]) -> str:
    return to_parsing_canonical_form(schema)


def _null_means_absent(codec: Codec[Any]) -> tuple[str, ...]:
    """Return the optional fields whose default is no null: Avro writes null for them, JSON may not."""
    fields = msgspec.structs.fields(codec.event)
    return tuple(field.encode_name for field in fields if field.default not in (msgspec.NODEFAULT, None))


def _finite(node: Any) -> bool:
    if isinstance(node, dict):
        return all(map(_finite, node.values()))
    if isinstance(node, list):
        return all(map(_finite, node))
    return not isinstance(node, float) or math.isfinite(node)
