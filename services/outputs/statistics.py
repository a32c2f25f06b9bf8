"""`proofwatch statistics`: anonymous figures of a tenant's month, every cell of at least k people.

They stand outside of the matrix because nobody can be known from them (`core.cells`). The tenant's name is account
data, and the door is asked for it. A month is published once it is over, and once only: whoever asks again gets the
same bytes, whatever came late meanwhile, for of two publications the difference may be one person. That there were too
few is a publication as well: by asking until there are enough one would learn when they were one fewer.
"""

import argparse
from collections.abc import Iterable
from typing import Any, Final

import orjson

from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.exits.door import of_output
from proofwatch.exits.table import STATISTICS
from proofwatch.instants import instant_of
from proofwatch.runtime.cell_settings import CellSettings
from services.outputs.core.cells import Counts, anonymous, shown, summed
from services.outputs.given_out import Ask, Made, add_month, digest, run_output
from services.outputs.ledger import Counted, NoFigures, counted, snapshot

DELIVERED: Final = "statistics.delivered"
LEAST: Final = 10
"""Cells have at least so many people, or `PROOFWATCH_SMALL_CELL` where that is more."""
_OUTCOMES: Final[tuple[str, ...]] = ("accepted", "not_accepted")
_PUBLISH: Final = "insert into outputs.publications values ($1, $2, $3, $4) on conflict do nothing"
_PUBLISHED: Final = "select document, published_at from outputs.publications where tenant = $1 and month = $2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Deliver anonymous figures of a tenant's month, as JSON: accepted and not accepted, whole and by segment "
        "value, no cell of fewer than k people, none to be had by subtraction. A month is published once, when "
        "it is over. Needs the database rights of the role `statistics`."
    )
    add_month(parser)


def run(args: argparse.Namespace) -> int:
    """Write the statistics to standard output."""
    k = max(LEAST, CellSettings.read().small_cell)

    async def make(pool: Any, ask: Ask) -> Made:
        return await delivered(pool, ask, k)

    return run_output(args, STATISTICS, make)


async def delivered(pool: Any, ask: Ask, k: int) -> Made:
    """Return what is published of the month, or publish it. Raises `NoFigures`."""
    fresh: str | None = None
    async with snapshot(pool) as connection:
        if await connection.fetchrow(_PUBLISHED, ask.tenant, ask.month.name) is None:
            found = await counted(connection, ask.tenant, ask.month)
            if not found.over:
                raise NoFigures(
                    f"{ask.month.name} is not over, or not all of it has been read; statistics are of whole months, "
                    "published once"
                )
            fresh = document(ask.tenant, ask.month.name, found, k)
    now = instant_of(ask.clock.now_ms())
    async with transaction(pool, "outputs") as tx:
        if fresh is not None:
            await tx.execute(_PUBLISH, ask.tenant, ask.month.name, fresh, now)
        text, at = await tx.fetchrow(_PUBLISHED, ask.tenant, ask.month.name)  # of two at once, the first one's
        about = {"month": ask.month.name, "sha256": digest(text), "published_at": at.isoformat()}
        await enter(tx, of_output(ask.granted, STATISTICS, ask.tenant, DELIVERED, about, now))
    said = orjson.loads(text)
    if said["transactions"] is None:
        raise NoFigures(
            f"{ask.tenant} had fewer than {said['k']} people in {ask.month.name}, or none that can be counted: too few "
            f"to say anything anonymous of them. This was decided at {at:%Y-%m-%d %H:%M} UTC and stays, whatever comes "
            "late"
        )
    return Made(text, () if fresh else (f"published at {at:%Y-%m-%d %H:%M} UTC, and given out as it was then",))


def document(tenant: str, month: str, found: Counted, k: int) -> str:
    """Return what is published of a month, as JSON; `transactions` null: too few.

    Where there are too few of one outcome, outcomes are not told apart.
    """
    rows, names = [each.by_outcome() for each in found.rows], _OUTCOMES
    if not anonymous(_sum(each.people for each in rows), k):
        rows, names = [each.of_both() for each in found.rows], ("decided",)
    whole, few = _sum(each.counts for each in rows), not anonymous(_sum(each.people for each in rows), k)
    tables = {} if few else shown(rows, k)
    content = {
        "tenant": tenant,
        "month": month,
        "purpose": STATISTICS.purpose.value,
        "k": k,
        "transactions": None if few else _cells(names, whole),
        "segments": {
            name: {
                "values": {value: _cells(names, counts) for value, counts in each.values.items()},
                "rest": None if each.rest is None else _cells(names, each.rest),
            }
            for name, each in tables.items()
        },
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode() + "\n"


def _sum(counts: Iterable[Counts]) -> Counts:
    """Return the sum; of nothing none."""
    return summed((None, each) for each in counts).get(None, (0,))


def _cells(names: tuple[str, ...], counts: Counts) -> dict[str, int]:
    return dict(zip(names, counts, strict=True))
