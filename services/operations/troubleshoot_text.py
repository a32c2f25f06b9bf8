"""One transaction for whoever looks into a fault: its path, its event and verdict, and why, as text and as JSON.

Personal fields stay out unless asked for; references to imagery never leave here, for the broker opens imagery.
"""

from collections.abc import Sequence
from typing import IO, Any, Final, NamedTuple

import msgspec

from proofwatch.command_line.columns import as_columns
from proofwatch.events.types import Transaction, Verdict
from services.operations.troubleshoot_path import Seen
from services.scorer.explain.reproduce import PERSONAL
from services.scorer.explain.show import Explained, as_document, write_text

_NEVER: Final = ("$.imagery_ref", "$.imagery_sha256", "$.imagery_media_type")
_HEADS: Final = ("WHEN (UTC)", "WHERE", "WHAT")


class Shown(NamedTuple):
    """What was found of a transaction. `missing`: what was not, and why, in sentences."""

    entry_id: str
    transaction_id: str
    tenant: str
    path: Sequence[Seen]
    events: Sequence[Transaction]
    verdict: Verdict | None
    explained: Explained | None
    missing: Sequence[str]


def document(found: Shown, *, personal: bool) -> str:
    """Return it as JSON."""
    content: dict[str, Any] = {
        "audit_entry": found.entry_id,
        "transaction_id": found.transaction_id,
        "tenant": found.tenant,
        "path": [{"at": each.at, "where": each.where, "what": each.what} for each in found.path],
        "events": [shown(each, personal=personal) for each in found.events],
        "verdict": None if found.verdict is None else shown(found.verdict, personal=personal),
        "explanation": None if found.explained is None else as_document(found.explained, personal=personal),
        "missing": list(found.missing),
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def write(found: Shown, file: IO[str], *, personal: bool) -> None:
    """Write it for people."""
    file.write(f"{found.transaction_id} of {found.tenant}; on record as {found.entry_id}\n\n")
    file.write(as_columns(_HEADS, [_cells(each) for each in found.path]))
    for each in found.events:
        file.write("\nevent: " + _line(shown(each, personal=personal)) + "\n")
    file.write("\n")
    if found.explained is not None:
        write_text(found.explained, file, personal=personal)
    elif found.verdict is not None:
        file.write("verdict: " + _line(shown(found.verdict, personal=personal)) + "\n")
    for sentence in found.missing:
        file.write(f"{sentence}\n")


def shown(event: Transaction | Verdict, *, personal: bool) -> dict[str, Any]:
    """Return an event as plain values, without what is not to be seen."""
    hidden = _NEVER if personal else (*_NEVER, *PERSONAL)
    content: dict[str, Any] = msgspec.to_builtins(event, builtin_types=())
    return _without(content, "$", frozenset(hidden))


def _without(content: dict[str, Any], place: str, hidden: frozenset[str]) -> dict[str, Any]:
    return {
        name: _without(value, f"{place}.{name}", hidden) if isinstance(value, dict) else value
        for name, value in content.items()
        if f"{place}.{name}" not in hidden
    }


def _cells(each: Seen) -> tuple[str, str, str]:
    at = "not known" if each.at is None else f"{each.at:%Y-%m-%d %H:%M:%S}.{each.at.microsecond // 1000:03d}"
    return at, each.where, each.what


def _line(content: dict[str, Any]) -> str:
    return msgspec.json.encode(content).decode()
