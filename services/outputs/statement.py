"""`proofwatch statement`: what a tenant used in a month, for its bill: account and diagnostic data, nothing else.

It has transactions and checks by day, no outcome, no segment and nobody's id. A month that is not over is stated as
far as it has been read, and says so; what comes late is in the next statement of the same month.
"""

import argparse
import io
from pathlib import Path
from typing import Any, Final

import orjson

from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.csv_file import Cell, write_csv
from proofwatch.exits.door import of_output
from proofwatch.exits.table import STATEMENT
from proofwatch.instants import instant_of
from services.outputs.core.month import Usage
from services.outputs.given_out import Ask, Made, add_month, digest, run_output
from services.outputs.ledger import snapshot, usage

STATED: Final = "statement.made"
COLUMNS: Final = ("tenant", "month", "day", "transactions", "match_checks", "liveness_checks", "read_until",
                  "provisional")  # fmt: skip
_COUNTS: Final = ("transactions", "match_checks", "liveness_checks")
_TEMPLATES: Final = Path(__file__).with_name("templates")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "State what a tenant used in a month of its own calendar: transactions and checks by day. A month that is not "
        "over is stated as far as it has been read, and says so. Needs the database rights of the role `billing`."
    )
    add_month(parser)
    parser.add_argument("--format", choices=("json", "csv", "html"), default="json", help="(%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the statement to standard output."""

    async def make(pool: Any, ask: Ask) -> Made:
        async with snapshot(pool) as connection:
            found = await usage(connection, ask.tenant, ask.month)
        made = as_text(args.format, ask.tenant, ask.month.name, found)
        about = {"month": ask.month.name, "format": args.format, "sha256": digest(made)}
        now = instant_of(ask.clock.now_ms())
        async with transaction(pool, "outputs") as tx:
            await enter(tx, of_output(ask.granted, STATEMENT, ask.tenant, STATED, about, now))
        return Made(made, notes(ask.tenant, ask.month.name, found))

    return run_output(args, STATEMENT, make)


def notes(tenant: str, month: str, found: Usage) -> tuple[str, ...]:
    """Return what whoever reads the figures must know."""
    said = []
    if not found.over:
        read = "nothing was read yet" if found.read_until_ms is None else f"read up to {_instant(found.read_until_ms)}"
        said.append(f"{month} is not over, or not all of it has been read ({read}): the figures are provisional")
    if not found.days:
        said.append(f"nothing was used: the ledger has no transaction of {tenant} in {month}")
    return tuple(said)


def as_text(form: str, tenant: str, month: str, found: Usage) -> str:
    """Return the statement; CSV has a row for each day, and the total as a row without one."""
    days = [(each.day.isoformat(), each.transactions, each.match_checks, each.liveness_checks) for each in found.days]
    total = tuple(sum(getattr(each, name) for each in found.days) for name in _COUNTS)
    read = None if found.read_until_ms is None else _instant(found.read_until_ms)
    if form == "csv":
        return _csv(tenant, month, [*days, ("", *total)], read, found.over)
    if form == "html":
        return _page(tenant, month, days, total, read, found.over)
    document = {
        "tenant": tenant,
        "month": month,
        "purpose": STATEMENT.purpose.value,
        "read_until": read,
        "provisional": not found.over,
        **dict(zip(_COUNTS, total, strict=True)),
        "days": [dict(zip(("day", *_COUNTS), each, strict=True)) for each in days],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _instant(ms: int) -> str:
    return instant_of(ms).isoformat(timespec="seconds")


def _csv(tenant: str, month: str, rows: list[tuple[Any, ...]], read: str | None, over: bool) -> str:
    text = io.StringIO(newline="")
    cells: list[list[Cell]] = [[tenant, month, *row, read or "", "no" if over else "yes"] for row in rows]
    write_csv(text, COLUMNS, cells)
    return text.getvalue()


def _page(
    tenant: str, month: str, days: list[tuple[Any, ...]], total: tuple[int, ...], read: str | None, over: bool
) -> str:
    from proofwatch.report.page import render  # templates take a while to load

    return render(
        _TEMPLATES,
        "sections.html",
        title=f"usage of {tenant} in {month}",
        contents={"days": "Days"},
        month=month,
        read=read,
        over=over,
        columns=("day", *(name.replace("_", " ") for name in _COUNTS)),
        rows=days,
        total=("total", *total),
    )
