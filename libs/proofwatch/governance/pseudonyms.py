"""Keyed pseudonyms (GDPR Art. 4(5)): a case knows its subject by a tag that only the key's holder can link.

Two HMAC-SHA256 steps (RFC 2104), extract-and-expand in the manner of HKDF (RFC 5869): the deployment's secret and
the subject give the subject's own key, and that key gives the tag. The tenant is part of the first step, so equal
references of two tenants do not link.

Erasure (GDPR Art. 17) is not reached by this alone: who holds the deployment's secret can derive every key again. So
it is the *mark* by which a subject's random data key is found (`privacy.marks`), and tables have it as a tag only until
tags were moved to data keys (`privacy.tags`, ADR 0049).
"""

import base64
import binascii
import hmac
from typing import Final

SECRET_VARIABLE: Final = "PROOFWATCH_SUBJECT_TAG_SECRET"  # noqa: S105 — the name of a variable, not a secret
MIN_SECRET_BYTES: Final = 32
_TAG_DIGITS: Final = 32


class InvalidSecret(ValueError):
    """The deployment's secret cannot be used: stop at start-up. The message never holds the secret."""


def parse_secret(text: str | None) -> bytes:
    """Return the deployment's secret from its base64 text. Raises `InvalidSecret`, saying how to make one."""
    try:
        secret = base64.b64decode((text or "").strip(), validate=True)
    except (binascii.Error, ValueError):
        secret, found = b"", "is not base64"
    else:
        found = f"has {len(secret)} bytes" if secret else "is not set"
    if len(secret) >= MIN_SECRET_BYTES:
        return secret
    msg = (
        f"{SECRET_VARIABLE} {found}; it must be base64 of at least {MIN_SECRET_BYTES} random bytes, the same for every "
        f"replica and for good. Make one once: head -c {MIN_SECRET_BYTES} /dev/urandom | base64"
    )
    raise InvalidSecret(msg)


def subject_tag(secret: bytes, tenant: str, subject_ref: str) -> str:
    """Return the subject's tag: 32 lower-case hex digits, the first 128 bits of an HMAC-SHA256."""
    name = tenant.encode()
    subject = len(name).to_bytes(4) + name + subject_ref.encode()  # the length keeps tenant and reference apart
    subject_key = hmac.digest(secret, b"proofwatch subject key v1" + subject, "sha256")
    return hmac.digest(subject_key, b"proofwatch subject tag v1", "sha256").hex()[:_TAG_DIGITS]
