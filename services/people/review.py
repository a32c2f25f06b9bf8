"""`proofwatch people review`: every account and token with what it may, as a file for whoever reviews access."""

import argparse
import io
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from proofwatch.access.review import Reviewed, reviewed, roles_used
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.csv_file import Cell, write_csv
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.door import ask
from proofwatch.exits.standing import OF_THE_PLATFORM
from proofwatch.exits.table import PEOPLE_REVIEW
from proofwatch.new_file import OWNER_ALONE, require_new, write_new

if TYPE_CHECKING:
    import asyncpg

_COLUMNS: Final = (*Reviewed._fields, "findings")


def add_review(actions: SubCommands) -> None:
    """Declare the sub-command."""
    summary = "write every account and token, what it may, who gave it, and whether it is used"
    add = actions.add("review", summary, "--out access.csv --as auditor.session", written).add_argument
    add("--format", choices=("csv", "json"), default="csv", help="of the file (default %(default)s)")
    add("--out", type=Path, required=True, metavar="FILE", help="the file, which must not be there yet")
    add_asking(add)


async def written(pool: "asyncpg.Pool", args: argparse.Namespace, now: datetime) -> None:
    """Write the file, once it is on record who asked."""
    require_new(args.out)
    await ask(pool, PEOPLE_REVIEW, None, asking(args, reason=False), OF_THE_PLATFORM, now)
    found = await reviewed(pool, now)
    text = as_csv(found, now) if args.format == "csv" else as_json(found, now)
    write_new(args.out, text.encode(), OWNER_ALONE)
    to_look_at = sum(bool(each["findings"]) for each in rows(found, now))
    sys.stdout.write(f"{len(found)} accounts and tokens, {to_look_at} of them to look at: {args.out}\n")


def rows(found: Sequence[Reviewed], now: datetime) -> list[dict[str, Any]]:
    """Return each with what a reviewer should look at."""
    gone = frozenset(each.id for each in found if each.kind == "account" and each.state == "revoked")
    return [{**each._asdict(), "findings": each.findings(now, gone)} for each in found]


def as_json(found: Sequence[Reviewed], now: datetime) -> str:
    """Return an object with `at`, `entries`, and `held`: when each role and scope was used last."""
    held = [each._asdict() for each in roles_used(found)]
    whole = {"at": now, "entries": rows(found, now), "held": held}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def as_csv(found: Sequence[Reviewed], now: datetime) -> str:
    """Return a line for each account and token; several values of one cell have blanks between."""
    out = io.StringIO(newline="")
    write_csv(out, _COLUMNS, [[_cell(name, row[name]) for name in _COLUMNS] for row in rows(found, now)])
    return out.getvalue()


def _cell(name: str, value: Any) -> Cell:
    if value is None:
        return "all" if name == "tenants" else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    return value if isinstance(value, str) else " ".join(value)
