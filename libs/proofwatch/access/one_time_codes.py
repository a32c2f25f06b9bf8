"""One-time codes (TOTP, RFC 6238): SHA-1, six digits, 30 seconds, as every authenticator app has them.

A step counts once: who looked over a shoulder, or has the code from the wire, is late. Since steps only grow, a clock
that is set back has no code that is accepted.
"""

import hmac
import re
from datetime import datetime
from typing import Final, Literal

import pyotp

STEP_SECONDS: Final = 30
WINDOW: Final = 1
"""Steps before and after the clock's own that are taken too: phones are off by some seconds (RFC 6238, 5.2)."""
_CODE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_SECRET_CHARACTERS: Final = 32
"""In base32: 160 bits, as RFC 4226 asks for."""


def new_secret() -> str:
    """Return a new secret, in base32."""
    return pyotp.random_base32(_SECRET_CHARACTERS)


def address_of(secret: str, name: str, issuer: str = "Proofwatch") -> str:
    """Return the otpauth address that apps read from a picture or take as text."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def step_of(now: datetime) -> int:
    """Return the step of an instant."""
    return int(now.timestamp()) // STEP_SECONDS


def code_at(secret: str, step: int) -> str:
    """Return the code of a step."""
    return pyotp.TOTP(secret).generate_otp(step)


def accepted(secret: str, code: str, now: datetime, last_step: int) -> int | Literal["wrong", "used"]:
    """Return the step of a code, which then counts as used; or why it does not hold.

    `last_step`: the largest that was ever accepted. Spaces, which apps show, do not matter.
    """
    given = code.replace(" ", "")
    if not _CODE.fullmatch(given):
        return "wrong"
    here = step_of(now)
    found = [
        step
        for step in range(max(0, here - WINDOW), here + WINDOW + 1)
        if hmac.compare_digest(code_at(secret, step), given)
    ]
    if not found:
        return "wrong"
    fresh = [step for step in found if step > last_step]
    return fresh[0] if fresh else "used"
