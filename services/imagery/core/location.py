"""Where a transaction's picture may lie: inside the bucket and prefix of its tenant, and nowhere else.

A reference comes from upstream and is not trusted: what it could make us fetch is bounded by the tenant's governed
settings alone, and no name in it is ever resolved.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from proofwatch.governance.tenant import Tenant

Code = Literal[
    "no_reference", "no_store", "other_scheme", "malformed", "other_bucket", "outside_prefix", "shared_place"
]

_SCHEME: Final = "s3://"
_LONGEST: Final = 512
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_=@,+:.-]+", re.ASCII)
"""A part of a key between two slashes. No percent sign: nobody has to agree with us on how often to decode."""


class Location(NamedTuple):
    """An object: the store's name in the broker's settings, the bucket, and the key within it."""

    store: str
    bucket: str
    key: str


class Shared(NamedTuple):
    """Two tenants whose settings name one place, or one within the other's: each could open the other's pictures."""

    tenant: str
    other: str

    def __str__(self) -> str:
        """Say what is wrong, and what would be right."""
        return (
            f"the settings of {self.tenant} and {self.other} keep imagery in one place, or one's within the other's: "
            "give each a bucket or a prefix of its own (`proofwatch tenant propose`)"
        )


def shared(tenants: Iterable[Tenant]) -> list[Shared]:
    """Return the pairs of tenants whose places overlap, by their names."""
    placed = sorted(
        ((each.imagery.store, each.imagery.bucket, each.imagery.prefix), each.tenant)
        for each in tenants
        if each.imagery is not None
    )
    found = []
    for at, ((*where, prefix), name) in enumerate(placed):
        for (*elsewhere, longer), other in placed[at + 1 :]:
            if elsewhere != where or not longer.startswith(prefix):
                break  # they are sorted: nothing that comes later lies within this one
            found.append(Shared(*sorted((name, other))))
    return sorted(found)


class LocationRefused(Exception):
    """The reference leads nowhere that may be read. `code` says why; the message never repeats the reference."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code


def locate(imagery_ref: str | None, tenant: Tenant) -> Location:
    """Return where the picture lies. Raises `LocationRefused`."""
    place = tenant.imagery
    if place is None:
        raise LocationRefused("no_store", f"the settings of {tenant.tenant} name no store for imagery")
    if not imagery_ref:
        raise LocationRefused("no_reference", "the transaction came without a reference to imagery")
    if not imagery_ref.startswith(_SCHEME):
        raise LocationRefused("other_scheme", "the reference does not begin with s3://")
    bucket, slash, key = imagery_ref.removeprefix(_SCHEME).partition("/")
    if not slash or not key or len(imagery_ref) > _LONGEST:
        raise LocationRefused("malformed", f"the reference is not s3://BUCKET/KEY of at most {_LONGEST} characters")
    if bucket != place.bucket:
        raise LocationRefused("other_bucket", f"the reference names another bucket than {place.bucket}")
    if not all(_SEGMENT.fullmatch(part) and part not in (".", "..") for part in key.split("/")):
        raise LocationRefused("malformed", "the reference's key has an empty part, '.', '..' or a refused character")
    if not key.startswith(place.prefix):
        raise LocationRefused("outside_prefix", f"the reference lies outside the prefix {place.prefix}")
    return Location(place.store, bucket, key)
