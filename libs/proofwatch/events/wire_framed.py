"""Confluent's frame around values: a zero byte, the id of the schema as four bytes, then Avro or JSON.

No JSON text begins with a zero byte, so plain JSON and framed values tell themselves apart.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import msgspec

from proofwatch import resources
from proofwatch.events import avro_values
from proofwatch.events.codec import Codec
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.events.registry_subjects import Subject, WireFormat, subjects
from proofwatch.events.rejected import Rejected
from proofwatch.events.schema_registry import Registry, Stored
from proofwatch.events.wire_errors import InvalidWire, UnknownSchemaId

T = TypeVar("T", bound=msgspec.Struct)

MAGIC: Final = b"\0"
HEAD: Final = 5
"""Bytes in front of the payload."""

_FORGET_S: Final = 60.0
"""How long an id that the registry does not have is taken for unknown before it is asked again."""


class Schemas(Protocol):
    """What the wire asks a registry for while it runs."""

    async def schema(self, schema_id: int) -> Stored | None:
        """Return the schema with this id; None: there is none. Raises `RegistryUnavailable`."""
        ...

    async def close(self) -> None:
        """Release the connection."""
        ...


class _Writer(NamedTuple):
    """The schema that values with some id were written by; `avro` None: they are JSON."""

    avro: dict[str, Any] | None


class _Refused(NamedTuple):
    """Why values with some id cannot be read, and until when (seconds of the monotonic clock) that is believed."""

    reason: DeadLetterReason
    message: str
    until_s: float = math.inf


def frame(schema_id: int) -> bytes:
    """Return what stands in front of a payload."""
    return MAGIC + schema_id.to_bytes(4, "big")


def schema_id(value: bytes) -> int:
    """Return the id of a framed value's schema."""
    return int.from_bytes(value[1:HEAD], "big")


class FramedWire:
    """Writes one format in frames; reads plain JSON and every framed value whose schema the registry has."""

    def __init__(self, registry: Schemas, own: Mapping[int, Subject], avro: Iterable[Subject]) -> None:
        """`own`: what we write, by id. `avro`: the Avro schemas that we read by, whatever we write."""
        readers = {(each.event, each.version): avro_values.parsed(each.text) for each in avro}
        self._registry = registry
        self._own = {(subject.event, subject.version): (each, subject) for each, subject in own.items()}
        self._readers = readers
        self._known: dict[bytes, _Writer | _Refused] = {
            frame(each): _Writer(readers[subject.event, subject.version] if subject.schema_type == "AVRO" else None)
            for each, subject in own.items()
        }

    @property
    def content_type(self) -> str:
        """The media type of what the encoders write; no registered one names the frame."""
        (schema_type,) = {subject.schema_type for _, subject in self._own.values()}
        return f"application/vnd.confluent.{schema_type.lower()}"

    def encoder(self, codec: Codec[T]) -> Callable[[T], bytes]:
        """Return the function that writes a framed value."""
        own_id, subject = self._own[codec.event.__name__, codec.version]
        head = frame(own_id)
        if subject.schema_type == "AVRO":
            return avro_values.encoder(codec, self._reader(codec), head)
        encode = codec.encode
        return lambda event: head + encode(event)

    def decoder(self, codec: Codec[T]) -> Callable[[bytes | None], T]:
        """Return the function that reads a value, framed or plain."""
        plain = codec.decode
        readers: dict[bytes, Callable[[bytes], T]] = {}

        def decode(value: bytes | None) -> T:
            if not value or value[0]:
                return plain(value)
            read = readers.get(value[:HEAD])
            if read is None:
                readers[value[:HEAD]] = read = self._by(codec, value)
            return read(value)

        return decode

    async def prepare(self, values: Iterable[bytes | None]) -> None:
        """Fetch the schemas of the values that have an id not met before. Raises `RegistryUnavailable`."""
        known, now_s = self._known, time.monotonic()
        wanted = set()
        for value in values:
            if value and not value[0] and len(value) >= HEAD:
                entry = known.get(value[:HEAD])
                if entry is None or (isinstance(entry, _Refused) and entry.until_s < now_s):
                    wanted.add(value[:HEAD])
        for head in sorted(wanted):
            known[head] = await self._fetch(schema_id(head))

    async def close(self) -> None:
        """Close the connection to the registry."""
        await self._registry.close()

    def _by(self, codec: Codec[T], value: bytes) -> Callable[[bytes], T]:
        if len(value) < HEAD:
            raise Rejected("malformed", "$: begins as a framed value and ends before the id of its schema")
        entry = self._known.get(value[:HEAD])
        if entry is None:
            raise UnknownSchemaId(schema_id(value))
        if isinstance(entry, _Refused):
            raise Rejected(entry.reason, entry.message)
        if entry.avro is None:
            plain = codec.decode
            return lambda framed: plain(framed[HEAD:])
        return avro_values.decoder(codec, entry.avro, self._reader(codec), schema_id(value), HEAD)

    def _reader(self, codec: Codec[Any]) -> Any:
        return self._readers[codec.event.__name__, codec.version]

    async def _fetch(self, wanted: int) -> _Writer | _Refused:
        stored = await self._registry.schema(wanted)
        if stored is None:
            right = "register the writer's schema there, or send plain JSON; then redrive"
            message = f"$: the registry has no schema {wanted}, whose id is in front; {right}"
            return _Refused("unknown_schema_id", message, time.monotonic() + _FORGET_S)
        if stored.schema_type == "JSON":
            return _Writer(None)
        what = f"$: schema {wanted}, whose id is in front,"
        if stored.schema_type != "AVRO":
            return _Refused("schema_mismatch", f"{what} is {stored.schema_type.lower()[:16]}; send Avro or JSON")
        if stored.has_references:
            return _Refused("schema_mismatch", f"{what} refers to other schemas; register it whole")
        try:
            return _Writer(avro_values.parsed(stored.text))
        except avro_values.UnusableSchema as error:
            return _Refused("schema_mismatch", f"{what} {error}; register one of the event's record")


async def connect(url: str, wire_format: WireFormat) -> FramedWire:
    """Look our schemas up and return the wire. Raises `InvalidWire` when one is missing, and `RegistryUnavailable`."""
    root, registry = resources.schemas(), Registry(url)
    try:
        own = await _looked_up(registry, subjects(root, wire_format))
    except BaseException:
        await registry.close()
        raise
    return FramedWire(registry, own, subjects(root, "avro"))


async def _looked_up(registry: Registry, wanted: Sequence[Subject]) -> dict[int, Subject]:
    # all are awaited even if one fails: none may be under way when the client is closed
    ids = await asyncio.gather(*map(registry.lookup, wanted), return_exceptions=True)
    for failed in ids:
        if isinstance(failed, BaseException):
            raise failed
    own = {found: subject for found, subject in zip(ids, wanted, strict=True) if isinstance(found, int)}
    missing = [subject.name for subject in wanted if subject not in own.values()]
    if missing:
        lacks = f"the registry lacks this release's schema of {', '.join(missing)}"
        raise InvalidWire(f"{lacks}; run `proofwatch schemas register`")
    return own
