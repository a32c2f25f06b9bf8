"""What a signature under a governed document says, as bytes.

Each statement begins with what it is for, so that a signature given for one purpose proves nothing for another.
"""

from typing import Final

import msgspec

from proofwatch.events.codec import ACTIVATION, APPROVAL
from proofwatch.events.types import Activation, Approval

_APPROVAL: Final = b"proofwatch approval v1\n"
_ACTIVATION: Final = b"proofwatch activation v1\n"


def approval_statement(approval: Approval, text: bytes) -> bytes:
    """Return what an approver signs: every field of the approval but the signature, then the whole document.

    The fields are one line of JSON; the document is everything after it, so neither can pass for the other.
    """
    return _APPROVAL + APPROVAL.encode(msgspec.structs.replace(approval, signature="")) + b"\n" + text


def activation_statement(activation: Activation) -> bytes:
    """Return what is signed under an activation: every field of it but the signature."""
    return _ACTIVATION + ACTIVATION.encode(msgspec.structs.replace(activation, signature=""))
