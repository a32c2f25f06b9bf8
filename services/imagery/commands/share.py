"""`proofwatch imagery share`: of how many transactions imagery was opened, and how many reached the Research Group."""

import argparse
import re
import sys
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.bus.postgres.pool import session
from proofwatch.command_line import kept
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.sub_commands import SubCommands
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.table import IMAGERY_SHARE
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.cell_settings import DEFAULT_SMALL_CELL, CellSettings
from services.imagery.adapters.shares import counted
from services.imagery.core.share import CONFIDENCE, Counted, Share, share

LEAST: Final = DEFAULT_SMALL_CELL
"""Counts of fewer are kept back, or of fewer than `PROOFWATCH_SMALL_CELL` where that is more."""
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_HEADS: Final = ("TENANT", "TRANSACTIONS", "IMAGERY OPENED", "SHARE", "REACHED RESEARCH", "SHARE")


class InvalidMonth(ValueError):
    """The month cannot be read."""


class _Row(NamedTuple):
    tenant: str
    month: str
    transactions: int | None
    opened: Share | None
    research: Share | None


def add_share(actions: SubCommands) -> None:
    """Declare it."""
    summary = "of how many transactions imagery was opened, and how many reached the Research Group, with intervals"
    add = actions.add("share", summary, "--month 2026-10 --tenant kestrel-telecom", _shown).add_argument
    add("--month", required=True, metavar="YYYY-MM", help="of each tenant's own days")
    add("--tenant", type=kept.tenant, metavar="T", help="default: every tenant, one by one")
    add_asking(add)
    add("--json", action="store_true", help="as JSON")


async def _shown(args: argparse.Namespace) -> int:
    first, after = _bounds(args.month)
    asked, k = asking(args, reason=False), max(LEAST, CellSettings.read().small_cell)
    async with (
        through_door(GovernanceSettings.read(), IMAGERY_SHARE, args.tenant, asked) as (pool, _),
        session(pool, "imagery share") as connection,
    ):
        found = await counted(connection, first, after, args.tenant)
    rows = [_row(tenant, args.month, each, k) for tenant, each in found.items()]
    sys.stdout.write(_as_json(rows, k) if args.json else _as_table(rows, args.month, k))
    return 0


def _row(tenant: str, month: str, counts: Counted, k: int) -> _Row:
    n = counts.transactions
    return _Row(tenant, month, n if n >= k else None, share(counts.opened, n, k), share(counts.research, n, k))


def _bounds(month: str) -> tuple[date, date]:
    """Return the first day of a month and that of the next. Raises `InvalidMonth`."""
    found = _MONTH.fullmatch(month)
    if found is None or not 1 <= int(found[1]) < 9999:
        raise InvalidMonth(f"{month!r} is no month; right is 2026-03")
    first = date(int(found[1]), int(found[2]), 1)
    return first, (first + timedelta(days=31)).replace(day=1)


def _as_json(rows: list[_Row], k: int) -> str:
    document: dict[str, Any] = {
        "interval": {"method": "clopper_pearson", "confidence": CONFIDENCE},
        "counts_below_are_kept_back": k,
        "tenants": [
            each._asdict() | {name: _object(getattr(each, name)) for name in ("opened", "research")} for each in rows
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _object(found: Share | None) -> dict[str, Any] | None:
    return found._asdict() if found else None


def _as_table(rows: list[_Row], month: str, k: int) -> str:
    if not rows:
        return f"the ledger has no transaction of {month}\n"
    lines = [
        [
            row.tenant,
            f"fewer than {k}" if row.transactions is None else f"{row.transactions:,}",
            *_cells(row.opened, k),
            *_cells(row.research, k),
        ]
        for row in rows
    ]
    note = f"{month}; 95 % intervals of Clopper and Pearson; counts of fewer than {k} are kept back\n"
    return as_columns(_HEADS, lines) + note


def _cells(found: Share | None, k: int) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    if found.number is None or found.estimate is None:
        if found.lower:
            return f"all but fewer than {k}", f"at least {found.lower:.2%}"
        return f"fewer than {k}", f"at most {found.upper:.3%}"
    return f"{found.number:,}", f"{found.estimate:.3%} ({found.lower:.3%}–{found.upper:.3%})"
