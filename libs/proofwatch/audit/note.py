"""Signed notes (C2SP signed-note): a text, and lines with the signatures of keys that have names.

<text>
<empty line>
— <key name> base64(key id ‖ signature)
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, Self

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519: Final = 0x01
COSIGNATURE: Final = 0x04
"""Signature types: of a note as it stands; of a checkpoint at a time (C2SP tlog-cosignature)."""
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 4
_MOST_BYTES: Final = 1_000_000
_MOST_SIGNATURES: Final = 100


class InvalidNote(ValueError):
    """The text is no signed note, key or signature line; the message says what is wrong and where."""


class NotSigned(InvalidNote):
    """The note is whole, and a signature that counts is missing or wrong."""


class KeyId(NamedTuple):
    """What a signature line says of its key. Neither is a proof of who signed: the signature is."""

    name: str
    digest: bytes


class Signature(NamedTuple):
    """One line below a note; `value` is what follows the key's id."""

    key: KeyId
    value: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"— {self.key.name} {base64.b64encode(self.key.digest + self.value).decode()}\n"


class VerifierKey(NamedTuple):
    """A public key with its name (C2SP: vkey)."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> KeyId:
        """How its signature lines name it."""
        return key_id(self.name, self.kind, self.public)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `name+hex id+base64(type ‖ public key)` says. Raises `InvalidNote`."""
        name, _, rest = text.strip().partition("+")
        digest, _, material = rest.partition("+")
        body = decoded(material, "a verifier key")
        if not is_key_name(name) or len(body) != 1 + _KEY_BYTES or body[0] not in (ED25519, COSIGNATURE):
            raise InvalidNote("a verifier key is written name+key id+base64 of a type and 32 bytes of Ed25519 key")
        key = cls(name, body[0], body[1:])
        if digest != key.id.digest.hex():
            raise InvalidNote(f"the verifier key of {name} says id {digest}, and its key has {key.id.digest.hex()}")
        return key

    def text(self) -> str:
        """Return the key as text."""
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.digest.hex()}+{material}"

    def holds(self, message: bytes, signature: bytes) -> bool:
        """Return whether this key made the signature (RFC 8032)."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class SigningKey:
    """A private key (Ed25519) with its name. What it is made of is never shown."""

    def __init__(self, name: str, private: "Ed25519PrivateKey", kind: int = ED25519) -> None:
        """Raises `InvalidNote` for a name that no line could hold."""
        if not is_key_name(name):
            raise InvalidNote(f"{name!r} cannot name a key: no spaces, no plus sign, not empty")
        self._private = private
        self.verifier = VerifierKey(name, kind, private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str, kind: int = ED25519) -> Self:
        """Return a new key."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return cls(name, Ed25519PrivateKey.generate(), kind)

    @classmethod
    def from_seed(cls, name: str, seed: bytes, kind: int = ED25519) -> Self:
        """Return the key of 32 secret bytes. Raises `InvalidNote`, which quotes nothing of them."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if len(seed) != _KEY_BYTES:
            raise InvalidNote(f"a signing key is {_KEY_BYTES} bytes")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed), kind)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the key that `PRIVATE+KEY+name+id+base64(type ‖ seed)` says (Go: sumdb/note). Raises `InvalidNote`.

        The message quotes nothing of it.
        """
        prefix, _, rest = text.strip().partition("+KEY+")
        name, _, rest = rest.partition("+")
        digest, _, material = rest.partition("+")
        try:
            body = decoded(material, "a signing key")
        except InvalidNote:
            body = b""
        if prefix != "PRIVATE" or len(body) != 1 + _KEY_BYTES or body[0] not in (ED25519, COSIGNATURE):
            raise InvalidNote("a signing key is written PRIVATE+KEY+name+id+base64, as `proofwatch audit keygen` does")
        key = cls.from_seed(name, body[1:], body[0])
        if digest != key.verifier.id.digest.hex():
            raise InvalidNote(f"the signing key of {name} says another id than its key has")
        return key

    def text(self) -> str:
        """Return the key as text. It is a secret."""
        verifier = self.verifier
        material = base64.b64encode(bytes([verifier.kind]) + self._private.private_bytes_raw()).decode()
        return f"PRIVATE+KEY+{verifier.name}+{verifier.id.digest.hex()}+{material}"

    def sign(self, message: bytes) -> bytes:
        """Return the signature of 64 bytes under a message."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier.name!r})"


class Note(NamedTuple):
    """A text that ends with a newline, and the signatures below it, whoever made them."""

    text: str
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Return the note. Raises `InvalidNote`."""
        text, cut, below = _printable(body).rpartition("\n\n")
        if not cut or not below.endswith("\n"):
            raise InvalidNote("a signed note is a text, an empty line, and signature lines that each end")
        lines = below.split("\n")[:-1]
        if len(lines) > _MOST_SIGNATURES:
            raise InvalidNote(f"more than {_MOST_SIGNATURES} signatures")
        return cls(text + "\n", tuple(map(signature_of, lines)))

    def body(self) -> bytes:
        """Return the note as bytes, which is the only way to write it."""
        return f"{self.text}\n{''.join(each.line() for each in self.signatures)}".encode()

    def signed(self, *signatures: Signature) -> Self:
        """Return the note with these signatures below the others; one that is there stays the only one."""
        new = [each for each in signatures if each not in self.signatures]
        return self._replace(signatures=(*self.signatures, *new))

    def signers(self, known: Iterable[VerifierKey]) -> list[VerifierKey]:
        """Return those of the known keys (type 0x01) that signed.

        Signatures of unknown keys say nothing. Raises `NotSigned` if one of a known key is wrong.
        """
        keys: Mapping[KeyId, VerifierKey] = {each.id: each for each in known if each.kind == ED25519}
        found = []
        for signature in self.signatures:
            key = keys.get(signature.key)
            if key is None:
                continue
            if not key.holds(self.text.encode(), signature.value):
                raise NotSigned(f"the signature of {key.name} ({key.id.digest.hex()}) does not hold")
            found.append(key)
        return found


def sign(text: str, *keys: SigningKey) -> Note:
    """Return the text, which ends with a newline, under the signatures of keys of type 0x01."""
    return Note(text, tuple(Signature(key.verifier.id, key.sign(text.encode())) for key in keys))


def key_id(name: str, kind: int, public: bytes) -> KeyId:
    """Return the first four bytes of SHA-256(name ‖ newline ‖ type ‖ public key), with the name."""
    return KeyId(name, hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:_ID_BYTES])


def signature_of(line: str) -> Signature:
    """Return what one line below a note says; it is given without its newline. Raises `InvalidNote`."""
    mark, _, rest = line.partition(" ")
    name, _, material = rest.partition(" ")
    body = decoded(material, "a signature line")
    if mark != "—" or not is_key_name(name) or len(body) <= _ID_BYTES:
        raise InvalidNote("a signature line is written: — name base64, with an em dash")
    return Signature(KeyId(name, body[:_ID_BYTES]), body[_ID_BYTES:])


def is_key_name(name: str) -> bool:
    """Return whether a key can have this name."""
    return bool(name) and "+" not in name and name.isprintable() and not any(map(str.isspace, name))


def decoded(text: str, what: str) -> bytes:
    """Return the bytes of standard base64 (RFC 4648, section 4), written in the one way. Raises `InvalidNote`."""
    try:
        body = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        body = None
    if body is None or base64.b64encode(body).decode() != text:
        raise InvalidNote(f"{what} has no base64 where it should")
    return body


def decimal(text: str, most: int) -> int | None:
    """Return a number in ASCII digits; None: it is none, or above `most`. However long it is, that costs nothing."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    return found if (found := int(text)) <= most else None


def _printable(body: bytes) -> str:
    if len(body) > _MOST_BYTES:
        raise InvalidNote(f"a note of more than {_MOST_BYTES:,} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise InvalidNote(f"byte {error.start} of a note is no UTF-8") from None
    if any(each < " " and each != "\n" for each in text):
        raise InvalidNote("a note has no control characters but newlines")
    return text
