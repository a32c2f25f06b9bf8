"""Whether somebody who gives name, password and code is let in: `(account, password holds, code, now) → step | why`."""

import re
from datetime import datetime
from typing import Final, NamedTuple

from proofwatch.access.acts import Why
from proofwatch.access.one_time_codes import accepted

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}", re.ASCII)


class Account(NamedTuple):
    """What is stored of a person that decides about letting in."""

    person_id: str
    name: str
    tenants: frozenset[str] | None
    roles: frozenset[str]
    password_hash: str | None
    code_secret: str | None
    code_step: int
    revoked_at: datetime | None
    issuer: str | None = None
    """Of the provider that they sign in with; None: with a password and a code."""


def is_name(text: str) -> bool:
    """Return whether an account can have this name."""
    return bool(_NAME.fullmatch(text))


def judged(account: Account | None, *, password_holds: bool, code: str, now: datetime) -> int | Why:
    """Return the step of the code, which counts as used from now on; or why this person is not let in.

    A wrong password uses up no code.
    """
    if account is None:
        return "unknown_name"
    if account.revoked_at is not None:
        return "revoked"
    if account.password_hash is None or account.code_secret is None:
        return "not_enrolled"
    if not password_holds:
        return "wrong_password"
    return code_judged(account, code, now)


def code_judged(account: Account, code: str, now: datetime) -> int | Why:
    """Return the step of the code alone, where who it is, is known from a session; or why it does not hold."""
    if account.revoked_at is not None:
        return "revoked"
    if account.code_secret is None:
        return "not_enrolled"
    step = accepted(account.code_secret, code, now, account.code_step)
    if isinstance(step, int):
        return step
    return "used_code" if step == "used" else "wrong_code"
