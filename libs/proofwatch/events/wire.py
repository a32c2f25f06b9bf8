"""What lies on the bus: plain JSON, or, when a schema registry is configured, values in Confluent's frame.

Stages take a `Wire` and ask it for a codec's two functions. `JSON` hands out the codec's own methods: the default costs
nothing. With a registry (PROOFWATCH_SCHEMA_REGISTRY_URL) `connect_wire` returns a wire that writes framed Avro or JSON
(PROOFWATCH_WIRE_FORMAT) and reads both beside plain JSON.

Decoding is synchronous, and a schema that another writer registered is behind the network. So a stage's shell calls
`await wire.prepare(values)` first (`proofwatch.bus.wrappers.prepared` does it for every stage), which fetches the
schemas whose ids it has not met. A decoder that meets such an id all the same raises `UnknownSchemaId`.
"""

from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

import msgspec

from proofwatch.events.codec import Codec
from proofwatch.events.wire_errors import InvalidWire
from proofwatch.runtime.settings import Settings

T = TypeVar("T", bound=msgspec.Struct)


class Wire(Protocol):
    """How events become values of records, and back."""

    @property
    def content_type(self) -> str:
        """The media type of what the encoders write."""
        ...

    def decoder(self, codec: Codec[T]) -> Callable[[bytes | None], T]:
        """Return the function that reads a value. It raises `Rejected`, or `UnknownSchemaId` without `prepare`."""
        ...

    def encoder(self, codec: Codec[T]) -> Callable[[T], bytes]:
        """Return the function that writes a value; equal events give equal bytes."""
        ...

    async def prepare(self, values: Iterable[bytes | None]) -> None:
        """Fetch what is needed to decode `values`. Raises `RegistryUnavailable`."""
        ...

    async def close(self) -> None:
        """Release the connection to the registry."""
        ...


class PlainJson:
    """JSON as the codec writes it, without a frame."""

    content_type: Final = "application/json"

    def decoder(self, codec: Codec[T]) -> Callable[[bytes | None], T]:
        """Return the codec's own method."""
        return codec.decode

    def encoder(self, codec: Codec[T]) -> Callable[[T], bytes]:
        """Return the codec's own method."""
        return codec.encode

    async def prepare(self, values: Iterable[bytes | None]) -> None:
        """Nothing is needed."""

    async def close(self) -> None:
        """Nothing is held."""


JSON: Final[Wire] = PlainJson()


async def connect_wire(settings: Settings) -> Wire:
    """Return the wire that the settings ask for, its schemas looked up. Raises `InvalidWire`, `RegistryUnavailable`."""
    if settings.schema_registry_url is None:
        if settings.wire_format != "json":
            raise InvalidWire("PROOFWATCH_WIRE_FORMAT=avro needs a registry: set PROOFWATCH_SCHEMA_REGISTRY_URL")
        return JSON
    try:
        from proofwatch.events.wire_framed import connect
    except ModuleNotFoundError as error:
        missing = f"a schema registry is configured, but {error.name} is not installed"
        raise InvalidWire(f"{missing}; try: pip install 'proofwatch[registry]'") from None
    return await connect(settings.schema_registry_url, settings.wire_format)
