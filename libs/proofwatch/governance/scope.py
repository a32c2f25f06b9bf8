"""Whom a policy applies to: everyone (`*`), a tenant (`acme`), or a cohort of it (`acme/source=emulator`)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

EVERYONE: Final = "*"
TENANT: Final = r"[a-z0-9][a-z0-9-]{0,62}"
_SCOPE: Final = re.compile(rf"({TENANT})(?:/([a-z][a-z0-9_]{{0,31}})=([^\x00-\x1f\x7f]{{1,64}}))?")


class InvalidScope(ValueError):
    """The text is no scope; the message says what one looks like."""


class Scope(NamedTuple):
    """A scope in its parts; a cohort is a tenant and one segment value. All None: everyone."""

    tenant: str | None = None
    segment_name: str | None = None
    segment_value: str | None = None


def parse_scope(text: str) -> Scope:
    """Return the parts of a scope. Raises `InvalidScope`."""
    if text == EVERYONE:
        return Scope()
    found = _SCOPE.fullmatch(text)
    if not found:
        raise InvalidScope(f"{text!r} is no scope; right is *, a tenant (acme) or a cohort (acme/source=emulator)")
    return Scope(*found.groups())


def covering(tenant: str, segments: Mapping[str, str] | None, cohorts: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the scopes that cover a transaction, narrowest first.

    `cohorts` names, for each tenant that has any, the segments with scopes of their own, in the order in which they
    are asked: two cohorts are equally narrow, so the first segment by name wins.
    """
    if segments and tenant in cohorts:
        for name in cohorts[tenant]:
            if name in segments:
                yield f"{tenant}/{name}={segments[name]}"
    yield tenant
    yield EVERYONE
