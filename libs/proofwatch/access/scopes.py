"""What a machine's token opens: reads alone, never imagery, never people. What is not in the table is denied."""

import re
import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from proofwatch.access.roles import Act

ID_BYTES: Final = 4
SECRET_BYTES: Final = 32
_TOKEN: Final = re.compile(r"pw_([0-9a-f]{8})_[A-Za-z0-9_-]{43}", re.ASCII)
"""No token of a session looks like it: those are shorter. Whoever searches logs for ones that leaked takes `pw_`."""


class Scope(StrEnum):
    """What a token may be for; each route says which it needs."""

    CASES = "cases:read"
    CHANGES = "changes:read"
    FIGURES = "figures:read"
    HEALTH = "health:read"
    PATTERNS = "patterns:read"
    AUDIT = "audit:read"


OPENS: Final[Mapping[Scope, frozenset[Act]]] = MappingProxyType(
    {
        Scope.CASES: frozenset({Act.READ_CASES}),
        Scope.CHANGES: frozenset({Act.READ_CASES}),
        Scope.FIGURES: frozenset({Act.READ_FIGURES}),
        Scope.HEALTH: frozenset({Act.READ_HEALTH}),
        Scope.PATTERNS: frozenset(),  # of several roles, and of no one act: `triage.core.patterns.may_read`
        Scope.AUDIT: frozenset({Act.READ_ALL_ENTRIES}),
    }
)


def known_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of these names. What this release does not know counts for nothing."""
    there = {scope.value: scope for scope in Scope}
    return frozenset(there[name] for name in names if name in there)


def new_token() -> tuple[str, str]:
    """Return the id of a new token, and the token, which begins with `pw_` and the id."""
    token_id = secrets.token_hex(ID_BYTES)
    return token_id, f"pw_{token_id}_{secrets.token_urlsafe(SECRET_BYTES)}"


def is_machines(token: str) -> bool:
    """Return whether a token has the form of a machine's."""
    return bool(_TOKEN.fullmatch(token))
