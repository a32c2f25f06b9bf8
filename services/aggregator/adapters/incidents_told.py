"""Incidents as they stand, read only: of a tenant, or those that fire now."""

from typing import Any, Final

import msgspec

from proofwatch.detection.incident import Incident

_OF: Final = "select body from incidents.incidents where tenant = $1 and ($2::text is null or state = $2)"
_FIRING: Final = "select body from incidents.incidents where state = 'firing'"
_decode = msgspec.msgpack.Decoder(Incident).decode


async def incidents_of(connection: Any, tenant: str, state: str | None = None) -> list[Incident]:
    """Return the incidents of a tenant that are not forgotten, in no order; `state` None: in every state."""
    return [_decode(row[0]) for row in await connection.fetch(_OF, tenant, state)]


async def incidents_firing(connection: Any) -> list[Incident]:
    """Return the incidents of all tenants that fire, in no order."""
    return [_decode(row[0]) for row in await connection.fetch(_FIRING)]
