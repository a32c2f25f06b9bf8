"""A client of a schema registry, as far as we need one: the API of Confluent Schema Registry 7 (Apicurio has it too).

No schema text and no address with its password gets into an error.
"""

from typing import Any, Final, NamedTuple
from urllib.parse import quote

import httpx

from proofwatch.events.registry_subjects import Subject
from proofwatch.events.wire_errors import RegistryUnavailable

COMPATIBILITY: Final = "BACKWARD_TRANSITIVE"
"""The newest schema reads whatever any earlier one wrote: topics keep old records, and replays read them."""

_NOT_FOUND: Final = frozenset({40401, 40402, 40403})  # subject, version, schema
_TIMEOUT_S: Final = 5.0
_CONNECTIONS: Final = 8
_HEADERS: Final = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}


class Stored(NamedTuple):
    """A schema as the registry holds it."""

    schema_type: str
    text: str
    has_references: bool


class Incompatible(Exception):
    """The registry refuses a schema beside the earlier ones of its subject; the message is the registry's."""


class Registry:
    """One registry. Whatever is not an answer of a registry raises `RegistryUnavailable`."""

    def __init__(self, url: str) -> None:
        """`url`: where the API begins, such as http://registry:8080/apis/ccompat/v7; it may hold user:password@."""
        given = httpx.URL(url)
        address = given.copy_with(userinfo=b"")  # httpx logs the address of every request
        self._shown = str(address)
        self._client = httpx.AsyncClient(
            base_url=address,
            auth=(given.username, given.password) if given.userinfo else None,
            timeout=_TIMEOUT_S,
            headers=_HEADERS,
            limits=httpx.Limits(max_connections=_CONNECTIONS),
        )

    async def schema(self, schema_id: int) -> Stored | None:
        """Return the schema with this id; None: the registry has none."""
        found = await self._ask("GET", f"/schemas/ids/{schema_id}")
        if found is None:
            return None
        return Stored(found.get("schemaType") or "AVRO", found["schema"], bool(found.get("references")))

    async def lookup(self, subject: Subject) -> int | None:
        """Return the id of exactly this schema under its subject; None: it is not registered."""
        found = await self._ask("POST", f"/subjects/{_part(subject)}", _body(subject))
        return None if found is None else int(found["id"])

    async def register(self, subject: Subject) -> int:
        """Hold the subject to `COMPATIBILITY`, register the schema, and return its id. Raises `Incompatible`."""
        await self._ask("PUT", f"/config/{_part(subject)}", {"compatibility": COMPATIBILITY})
        registered = await self._ask("POST", f"/subjects/{_part(subject)}/versions", _body(subject))
        if registered is None:
            raise self._unavailable("does not know the subject that it is to register")
        return int(registered["id"])

    async def compatible(self, subject: Subject) -> bool | None:
        """Return whether the registry would take the schema; None: the subject is new."""
        found = await self._ask("POST", f"/compatibility/subjects/{_part(subject)}/versions", _body(subject))
        return None if found is None else bool(found["is_compatible"])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any] | None:
        """Return the answer; None where the registry says that it has no such thing."""
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._unavailable(f"does not answer ({type(error).__name__})") from None
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            # a 404 of somebody else must never pass for an unknown schema: it would reject sound records
            raise self._unavailable(f"answers {response.status_code} without JSON; is this where its API begins?")
        if response.is_success:
            return answer
        if response.status_code == httpx.codes.NOT_FOUND and answer.get("error_code") in _NOT_FOUND:
            return None
        if response.status_code == httpx.codes.CONFLICT:
            raise Incompatible(str(answer.get("message", "")))
        raise self._unavailable(f"answers {response.status_code} to {method} {path}")

    def _unavailable(self, what: str) -> RegistryUnavailable:
        return RegistryUnavailable(f"the schema registry at {self._shown} {what}; check PROOFWATCH_SCHEMA_REGISTRY_URL")


def _part(subject: Subject) -> str:
    return quote(subject.name, safe="")


def _body(subject: Subject) -> dict[str, str]:
    typed = {} if subject.schema_type == "AVRO" else {"schemaType": subject.schema_type}
    return {"schema": subject.text, **typed}
