"""A private key, and what it signs: approvals and activations."""

import base64
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from proofwatch.events.types import Activation, Approval
from proofwatch.governance.documents import Document
from proofwatch.governance.keyring import Entry, key_id_of
from proofwatch.governance.statements import activation_statement, approval_statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class InvalidKey(ValueError):
    """The text is no private key of ours; the message says what one is and quotes nothing of it."""


class Signer:
    """One private key (Ed25519, RFC 8032)."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)

    @classmethod
    def generate(cls) -> "Signer":
        """Return a new key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_pem(cls, pem: bytes) -> "Signer":
        """Return the key of an unencrypted PKCS #8 PEM text. Raises `InvalidKey`."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            private = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            private = None
        if not isinstance(private, Ed25519PrivateKey):
            raise InvalidKey("is no Ed25519 private key in PEM without a password; make one with policy keygen")
        return cls(private)

    def pem(self) -> bytes:
        """Return the private key as unencrypted PKCS #8 PEM. It is a secret."""
        from cryptography.hazmat.primitives import serialization as forms

        return self._private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())

    def entry(self, person: str) -> Entry:
        """Return what the keyring needs to know of this key."""
        public = base64.b64encode(self.public_key).decode()
        return Entry(person=person, key_id=self.key_id, public_key=public)

    def approve(self, document: Document, now: datetime) -> Approval:
        """Return the signed approval of a document."""
        approval = Approval(
            schema_version=1,
            document_kind=document.kind,
            document_hash=document.hash,
            key_id=self.key_id,
            signature="",
            signed_at=now,
        )
        return msgspec.structs.replace(approval, signature=self._sign(approval_statement(approval, document.text)))

    def activate(self, unsigned: Activation) -> Activation:
        """Return the activation, signed with this key."""
        activation = msgspec.structs.replace(unsigned, key_id=self.key_id, signature="")
        return msgspec.structs.replace(activation, signature=self._sign(activation_statement(activation)))

    def _sign(self, statement: bytes) -> str:
        return base64.b64encode(self._private.sign(statement)).decode()
