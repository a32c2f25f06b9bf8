"""Marks: how the house knows again whom it has erased, and which transactions were theirs, without their names.

A mark is keyed with the deployment's secret. That of a subject is the tag of ADR 0005, so that what an earlier release
wrote under it is found, too; no case keeps it once the subject is erased.
"""

import hmac
from typing import Final

from proofwatch.governance.pseudonyms import subject_tag

_DIGITS: Final = 32


def subject_mark(secret: bytes, tenant: str, subject_ref: str) -> str:
    """Return the mark of a data subject: 32 lower-case hex digits."""
    return subject_tag(secret, tenant, subject_ref)


def transaction_mark(secret: bytes, tenant: str, transaction_id: str) -> str:
    """Return the mark of a transaction: 32 lower-case hex digits."""
    name = tenant.encode()
    message = b"proofwatch transaction mark v1" + len(name).to_bytes(4) + name + transaction_id.encode()
    return hmac.digest(secret, message, "sha256").hex()[:_DIGITS]


def trait_mark(secret: bytes, tenant: str, kind: str, value: str) -> str:
    """Return the mark of what several may share, such as a handset: 32 lower-case hex digits, which do not say what."""
    parts = tenant.encode(), kind.encode()
    message = b"proofwatch trait mark v1" + b"".join(len(each).to_bytes(4) + each for each in parts) + value.encode()
    return hmac.digest(secret, message, "sha256").hex()[:_DIGITS]
