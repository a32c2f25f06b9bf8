"""What the commands of `proofwatch people` say."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from proofwatch.access.one_time_codes import address_of
from proofwatch.access.register import Listed
from proofwatch.command_line.columns import as_columns

_HEADS: Final = ("NAME", "ROLES", "TENANTS", "SIGNS IN", "SESSIONS", "ID")


def as_json(people: Sequence[Listed]) -> str:
    """Return an array of objects."""
    found: list[dict[str, Any]] = [each._asdict() for each in people]
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def as_table(people: Sequence[Listed]) -> str:
    """Return a line for each person."""
    if not people:
        return "nobody; begin with: proofwatch people add NAME --role admin --every-tenant --as-operator --reason …\n"
    return as_columns(_HEADS, [_cells(each) for each in people])


def enrolled(name: str, secret: str) -> str:
    """Return the secret as apps take it: this is the one time that it is shown."""
    return (
        f"{name} can sign in. The secret of the one-time codes, which is shown this once; type or draw it into an "
        f"authenticator app:\n\n  {secret}\n  {address_of(secret, name)}\n\n"
    )


def ended(sessions: int) -> str:
    """Return how many sessions an act ended."""
    return {0: "no session was open", 1: "one session ended"}.get(sessions, f"{sessions} sessions ended")


def _cells(each: Listed) -> list[str]:
    signs_in = "yes" if each.enrolled else "not enrolled"
    if each.revoked_at:
        signs_in = f"revoked {each.revoked_at:%Y-%m-%d}"
    tenants = "all" if each.tenants is None else ", ".join(each.tenants) or "none"
    return [each.name, ", ".join(each.roles) or "none", tenants, signs_in, str(each.sessions), each.person_id]
