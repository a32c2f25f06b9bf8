"""The keyring: whose signatures count. It is part of a scorer's configuration, never of the log.

    people:
      - person: a.lovelace
        key_id: 5f2c8e0d9b1a4c37
        public_key: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
        roles: [approve, activate]      # left out: both
        not_after: 2027-12-31T00:00:00Z # signatures that reach the log later do not count; left out: no end

A key is retired with `not_after`. Who removes it instead makes what it signed in the past invalid, too.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from proofwatch.strict_yaml import InvalidYaml, load_yaml

Role = Literal["approve", "activate"]
EYES: Final = 2
"""How many different people must sign a document."""


class InvalidKeyring(ValueError):
    """The keyring cannot be used: stop at start-up; the message names file, entry and what would be right."""


class NotSigned(Exception):
    """A signature does not count; `reason` is a code, the message says why."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Entry(BaseModel):
    """One public key of one person; people are told apart by `person` alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    person: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
    key_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    public_key: str
    roles: Annotated[tuple[Role, ...], Field(min_length=1)] = ("approve", "activate")
    not_after: AwareDatetime | None = None

    @field_validator("public_key")
    @classmethod
    def _raw(cls, text: str) -> str:
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            msg = "must be 32 bytes in base64, as `proofwatch policy keygen` prints them"
            raise ValueError(msg)
        return text

    @model_validator(mode="after")
    def _matching(self) -> Self:
        if self.key_id != key_id_of(self.raw()):
            msg = f"key_id must be {key_id_of(self.raw())} for this public key"
            raise ValueError(msg)
        return self

    def raw(self) -> bytes:
        """Return the 32 bytes of the public key."""
        return base64.b64decode(self.public_key)


@dataclass(frozen=True, slots=True)
class _Key:
    person: str
    roles: frozenset[str]
    not_after: datetime | None
    public: Any  # cryptography's Ed25519PublicKey


class Keyring:
    """Public keys by key_id."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        """Raises `InvalidKeyring` when two entries share a key."""
        self._keys: dict[str, _Key] = {}
        for entry in entries:
            if entry.key_id in self._keys:
                raise InvalidKeyring(f"key {entry.key_id} is listed twice; one key belongs to one person")
            self._keys[entry.key_id] = _Key(
                entry.person, frozenset(entry.roles), entry.not_after, _public_key(entry.raw())
            )

    def verify(self, key_id: str, role: Role, statement: bytes, signature: str, log_ms: int) -> str:
        """Return whose signature it is. `log_ms`: when it reached the log. Raises `NotSigned`."""
        from cryptography.exceptions import InvalidSignature

        person = self.entitled(key_id, role, log_ms)
        try:
            self._keys[key_id].public.verify(base64.b64decode(signature, validate=True), statement)
        except (InvalidSignature, ValueError):
            raise NotSigned(
                "bad_signature", f"the signature of {person} ({key_id}) does not fit what it stands under; sign it anew"
            ) from None
        return person

    def entitled(self, key_id: str, role: Role, log_ms: int) -> str:
        """Return whose key it is. Raises `NotSigned` when it is unknown, retired by then or lacks the role."""
        key = self._keys.get(key_id)
        if key is None:
            raise NotSigned("unknown_key", f"key {key_id} is not in the keyring; add its entry, or sign with another")
        if key.not_after is not None and log_ms > key.not_after.timestamp() * 1000:
            raise NotSigned("key_expired", f"key {key_id} of {key.person} ended {key.not_after:%Y-%m-%d %H:%M}")
        if role not in key.roles:
            raise NotSigned("role_missing", f"{key.person} ({key_id}) may not {role}; roles: {', '.join(key.roles)}")
        return key.person

    def people(self, log_ms: int | None = None) -> frozenset[str]:
        """Return everybody who may approve; `log_ms`: without whose keys have ended by then."""
        return frozenset(
            key.person
            for key in self._keys.values()
            if "approve" in key.roles
            and (log_ms is None or key.not_after is None or log_ms <= key.not_after.timestamp() * 1000)
        )


def _public_key(raw: bytes) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # belongs to an extra

    return Ed25519PublicKey.from_public_bytes(raw)


def key_id_of(public_key: bytes) -> str:
    """Return the first 16 hex digits of SHA-256 over the 32 bytes of a public key."""
    return hashlib.sha256(public_key).hexdigest()[:16]


def load_keyring(path: Path) -> Keyring:
    """Read a keyring file. Raises `InvalidKeyring`, also when fewer than two people could approve."""
    try:
        document = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidKeyring(str(error)) from error
    if not isinstance(document, dict) or set(document) != {"people"} or not isinstance(document["people"], list):
        raise InvalidKeyring(f"{path}: must hold one key, people: a list of entries with person, key_id, public_key")
    entries = [_entry(path, number, each) for number, each in enumerate(document["people"])]
    try:
        keyring = Keyring(entries)
    except InvalidKeyring as error:
        raise InvalidKeyring(f"{path}: {error}") from None
    if len(keyring.people()) < EYES:
        raise InvalidKeyring(f"{path}: {len(keyring.people())} people may approve; four eyes need at least {EYES}")
    return keyring


def _entry(path: Path, number: int, document: object) -> Entry:
    try:
        return Entry.model_validate(document)
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        key = ".".join(map(str, ("people", number, *finding["loc"])))
        message = finding["msg"].removeprefix("Value error, ")
    raise InvalidKeyring(f"{path}: {key}: {message[0].lower()}{message[1:]}")
