"""What the commands of `proofwatch tokens` say."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from proofwatch.access.token_register import ListedToken
from proofwatch.command_line.columns import as_columns

_HEADS: Final = ("ID", "MACHINE", "SCOPES", "TENANTS", "STANDS", "LAST USE")


def created(name: str, token: str, expires: datetime) -> str:
    """Return the token: this is the one time that it is shown."""
    return (
        f"{name} can read until {expires:%Y-%m-%d %H:%M} UTC. The token, which is shown this once; it goes into the "
        f"header `Authorization: Bearer …`, never into an address:\n\n  {token}\n\n"
    )


def as_json(found: Sequence[ListedToken]) -> str:
    """Return an array of objects."""
    rows: list[dict[str, Any]] = [each._asdict() for each in found]
    return msgspec.json.format(msgspec.json.encode(rows), indent=2).decode() + "\n"


def as_table(found: Sequence[ListedToken], now: datetime) -> str:
    """Return a line for each token."""
    if not found:
        return "no token; make one with: proofwatch tokens create NAME --scope S --tenant T --as FILE --reason …\n"
    return as_columns(_HEADS, [_cells(each, now) for each in found])


def _cells(each: ListedToken, now: datetime) -> list[str]:
    stands = f"until {each.expires_at:%Y-%m-%d}"
    if each.expires_at <= now:
        stands = f"expired {each.expires_at:%Y-%m-%d}"
    if each.revoked_at:
        stands = f"revoked {each.revoked_at:%Y-%m-%d}"
    tenants = "all" if each.tenants is None else ", ".join(each.tenants)
    used = f"{each.used_at:%Y-%m-%d %H:%M} UTC" if each.used_at else "never"
    return [each.token_id, each.name, ", ".join(each.scopes), tenants, stands, used]
