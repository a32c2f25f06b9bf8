"""An entry of the audit log: who did what, on what, why, with what authority, and when; and the leaf it becomes.

The leaf is the entry as JSON in one form only: keys in the order of the fields, no spaces, every field there. Its hash
is what the tree holds. What is personal is sealed under the subject's data key, and the leaf has the ciphertext: when
the key is destroyed (GDPR Art. 17) the tree stays as it is. `salt` keeps a leaf from being guessed by its hash.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from proofwatch.governance.purposes import Purpose

Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=64)]
"""A name out of a table: lower case, dots between its parts."""
Name = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\0]*\Z")]
"""What a database can hold as text."""
Text = Annotated[str, Meta(max_length=2000)]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Outcome = Literal["done", "granted", "denied", "failed"]
SALT_BYTES: Final = 16
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a reader raises at bytes that somebody else wrote: no JSON, no text, or nested thousands deep."""
_UTC: Final = timedelta(0)

BEGUN: Final = "log.begun"
KEY_ADDED: Final = "log.key_added"
KEY_RETIRED: Final = "log.key_retired"
"""What the auditor itself enters: the first entry, and the keys it signs with."""


class InvalidLeaf(ValueError):
    """Bytes are no leaf of ours; the message says why."""


class Actor(Struct, frozen=True, forbid_unknown_fields=True):
    """Who acted: a person by the id of the account, or a service by its name."""

    kind: Literal["person", "service"]
    id: Name


def person(person_id: str) -> Actor:
    """Return a person as who acts."""
    return Actor("person", person_id)


class Object(Struct, frozen=True, forbid_unknown_fields=True):
    """What was acted upon, such as a case or a policy. What belongs to a data subject goes into the sealed part."""

    kind: Code
    id: Name


class Authority(Struct, frozen=True, forbid_unknown_fields=True):
    """What allowed it: the policy in force, by its SHA-256; a grant; the second person where two must agree."""

    policy: Digest | None
    grant: Name | None
    second_person: Name | None


class Sealed(Struct, frozen=True, forbid_unknown_fields=True):
    """What is personal: AES-256-GCM under the data key `key_id`; `ciphertext` ends with the tag."""

    key_id: Name
    nonce: Annotated[bytes, Meta(min_length=12, max_length=12)]
    ciphertext: Annotated[bytes, Meta(min_length=16, max_length=65536)]


class Entry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One entry. `acted_at` is what who acted says, `logged_at` what the auditor does; the latter never goes back."""

    version: Literal[1]
    entry_id: Name
    logged_at: datetime
    acted_at: datetime
    tenant: Name | None
    actor: Actor
    action: Code
    outcome: Outcome
    objects: tuple[Object, ...]
    purpose: Purpose | None
    reason: Text
    authority: Authority
    details: dict[Code, Text | int]
    sealed: Sealed | None
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]


NO_AUTHORITY: Final = Authority(None, None, None)
AUDITOR: Final = Actor("service", "auditor")
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Entry)


def leaf_of(entry: Entry) -> bytes:
    """Return the leaf of an entry. Raises `InvalidLeaf` if it has what no leaf may have, such as a time in a zone."""
    leaf = _ENCODER.encode(entry)
    entry_of(leaf)
    return leaf


def entry_of(leaf: bytes) -> Entry:
    """Return the entry of a leaf. Raises `InvalidLeaf` if it is none, or is written in another way than ours."""
    try:
        found = _DECODER.decode(leaf)
    except UNREADABLE as error:
        raise InvalidLeaf(str(error)) from None
    if found.logged_at.utcoffset() != _UTC or found.acted_at.utcoffset() != _UTC:
        raise InvalidLeaf("a time that is not in UTC - at `$.logged_at` or `$.acted_at`")
    if _ENCODER.encode(found) != leaf:
        raise InvalidLeaf("the entry is written in another way than that of the log")
    return found


def entry(
    actor: Actor,
    action: Code,
    entry_id: str,
    at: datetime,
    salt: bytes,
    *,
    objects: tuple[Object, ...] = (),
    tenant: str | None = None,
    reason: str = "",
    details: Mapping[str, str | int] | None = None,
    outcome: Outcome = "done",
) -> Entry:
    """Return an entry of an act at a time, which the auditor gives its own time beside."""
    return Entry(
        version=1,
        entry_id=entry_id,
        logged_at=at,
        acted_at=at,
        tenant=tenant,
        actor=actor,
        action=action,
        outcome=outcome,
        objects=objects,
        purpose=None,
        reason=reason,
        authority=NO_AUTHORITY,
        details=dict(details or {}),
        sealed=None,
        salt=salt,
    )


def of_auditor(action: Code, key: str, origin: str, at: datetime, salt: bytes, entry_id: str) -> Entry:
    """Return an entry of the auditor about a key of the log's, which is given as a verifier key."""
    objects = (Object("log", origin),)
    return entry(AUDITOR, action, entry_id, at, salt, objects=objects, details={"key": key})
