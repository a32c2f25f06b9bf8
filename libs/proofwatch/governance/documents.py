"""Governed documents: the canonical JSON of a policy or of a tenant's settings, identified by its content."""

import hashlib
from dataclasses import dataclass

import orjson

from proofwatch.events.enumerations import ActivationDocumentKind
from proofwatch.governance.policy import InvalidPolicy, Policy
from proofwatch.governance.tenant import InvalidTenant, Tenant

Kind = ActivationDocumentKind


class InvalidDocument(ValueError):
    """The text is no governed document; `reason` is a code, the message says what would be right."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Document:
    """One governed document; `text` is what is hashed and signed, `content` what it means to this release."""

    kind: Kind
    hash: str
    text: bytes
    content: Policy | Tenant


def document_of(content: Policy | Tenant) -> Document:
    """Return the document that holds `content`."""
    text = content.canonical()
    return Document("policy" if isinstance(content, Policy) else "tenant", content_hash(text), text, content)


def content_hash(text: bytes) -> str:
    """Return the first 32 hex digits of SHA-256 over the text."""
    return hashlib.sha256(text).hexdigest()[:32]


def read_document(kind: Kind, claimed_hash: str, text: bytes) -> Document:
    """Return the document of this kind and hash. Raises `InvalidDocument`."""
    if content_hash(text) != claimed_hash:
        raise InvalidDocument("wrong_hash", f"the document's hash is {content_hash(text)}, not {claimed_hash}")
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        values = None
    if not isinstance(values, dict) or orjson.dumps(values, option=orjson.OPT_SORT_KEYS) != text:
        raise InvalidDocument(
            "not_canonical", "the document must be one JSON object with sorted keys and no blanks, as propose writes it"
        )
    try:
        if kind == "policy":
            return Document(kind, claimed_hash, text, Policy.from_document(values, claimed_hash))
        return Document(kind, claimed_hash, text, Tenant.from_document(values))
    except (InvalidPolicy, InvalidTenant) as error:
        raise InvalidDocument("invalid_document", str(error)) from None
