"""`proofwatch accepted-attacks`: the accepted transactions that labels prove to be attacks, whose accounts to hold.

Rows are handed to who must hold the account, whom upstream knows by the transaction's id: no cell is too small, and no
data subject is named. Who asks, why, for what and how many were given out is on record; ids are not.
"""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.csv_file import Cell
from proofwatch.exits.asking import asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import ACCEPTED_ATTACKS
from proofwatch.governance.policy import InvalidPolicy
from proofwatch.instants import instant_of
from proofwatch.local_time import clock as local_clock
from proofwatch.privacy.restriction import restricted_transactions
from proofwatch.runtime.clock import SystemClock
from services.aggregator.config import GovernedSettings
from services.aggregator.core.accepted import Accepted
from services.aggregator.core.found import NothingFound, Query, shown
from services.aggregator.core.times import MICROSECONDS
from services.aggregator.queries.accepted_run import accepted_of_run
from services.aggregator.queries.arguments import add_span, query_of
from services.aggregator.queries.clock import TenantsClock, clock_of
from services.aggregator.queries.sheet import Sheet, write

NAME: Final = "accepted-attacks"
LISTED: Final = "accepted_attacks.listed"
_COLUMNS: Final = ("transaction_id", "occurred_at", "kind", "species", "asserted_at", "labelled_at")
_HEADINGS: Final = ("transaction", "occurred", "kind", "species", "asserted", "label came", "segments")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "List the accepted transactions that labels prove to be attacks (presented, injected) or an impostor's, by "
        "when they occurred: hold their accounts, which upstream knows by the transaction id. Whom privacy erased is "
        "not among them. Needs the rights of the role `fraud`, and --reason, unless it is a run's."
    )
    add_span(parser, "whose transactions", "now")
    parser.add_argument(
        "--species", type=kept.name, metavar="NAME", help="of this PAI species, or method of injection, alone"
    )


def run(args: argparse.Namespace) -> int:
    """Return 0, also where there are none; 1 when it is refused or something is away, 2 when the call is wrong."""
    settings = GovernedSettings.read()
    try:
        clock = clock_of(args, settings)
        query = query_of(args, clock.zone)
        found, left_out = (
            (accepted_of_run(args.run, query, args.species), 0)
            if args.run
            else asyncio.run(_database(args, settings, query, clock))
        )
    except (NothingFound, InvalidPolicy, *WRONG) as error:
        sys.stderr.write(f"proofwatch {NAME}: {error}\n")
        return 2
    except (BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch {NAME}: nothing is shown: {error}\n")
        return 1
    notes = [*notes_of(found, query), *clock.notes]
    if left_out:
        notes.append(f"left out, for the processing of the person's data is restricted (GDPR Art. 18): {left_out:,}")
    if args.run:
        notes.append("a run keeps no log times: when labels came is not known, when they were asserted is")
    write(sheet_of(found, query, notes), args.format, sys.stdout, sys.stderr)
    return 0


def sheet_of(found: Sequence[Accepted], query: Query, notes: Sequence[str]) -> Sheet:
    """Return the rows, for programs with a column for each segment that any of them has."""
    names = sorted({name for each in found for name in each.segments})
    rows = [[*_cells(each), *(each.segments.get(name) for name in names)] for each in found]
    columns = (*_COLUMNS, *(f"segment_{name}" for name in names))
    title = f"Accepted attacks of {query.tenant}, times in {query.zone or 'UTC'}"
    texts = [_text(each, query.zone) for each in found]
    return Sheet(title, {"tenant": query.tenant}, columns, rows, _HEADINGS, texts, notes)


def notes_of(found: Sequence[Accepted], query: Query) -> list[str]:
    """Return what was asked for, and how many there are, by kind."""
    asked = query.asked()
    kinds = Counter(each.kind for each in found)
    told = ", ".join(f"{kind.replace('_', ' ')} {n:,}" for kind, n in sorted(kinds.items())) or "none"
    return [*([f"asked for: {asked}"] if asked else []), f"accepted, and proven by labels: {told}"]


async def _database(
    args: argparse.Namespace, settings: GovernedSettings, query: Query, clock: TenantsClock
) -> tuple[list[Accepted], int]:
    """Return them, and how many are left out because the processing of their person's data is restricted."""
    asked = asking(args)
    async with through_door(settings, ACCEPTED_ATTACKS, args.tenant, asked, dsn=args.dsn, found=clock.standing) as (
        pool,
        granted,
    ):
        from proofwatch.audit.pending import enter  # what needs the driver, which the door has found
        from proofwatch.bus.postgres.pool import session, transaction
        from proofwatch.exits.door import of_output
        from services.aggregator.adapters.postgres_accepted import load_accepted

        listed = await load_accepted(pool, query, args.species, granted.sees)
        async with session(pool, "exits") as connection:
            theirs = await restricted_transactions(connection, args.tenant, [each.transaction_id for each in listed])
        found = [each for each in listed if each.transaction_id not in theirs]
        about = {**filter_of(query, args.species), "rows": len(found), "left_out": len(theirs)}
        now = instant_of(SystemClock().now_ms())
        async with transaction(pool, "exits") as tx:
            await enter(tx, of_output(granted, ACCEPTED_ATTACKS, args.tenant, LISTED, about, now, asked.reason))
        return found, len(theirs)


def filter_of(query: Query, species: str | None) -> dict[str, str | int]:
    """Return what was asked for, as the entry has it."""
    since, until = query.span
    segment = "" if not query.names else query.names[0] if query.value is None else f"{query.names[0]}={query.value}"
    said = {
        "since": None if since is None else shown(since),
        "until": None if until is None else shown(until),
        "segment": segment,
        "species": species,
    }
    return {name: each for name, each in said.items() if each}


def _cells(each: Accepted) -> list[Cell]:
    came = None if each.labelled_ms is None else shown(each.labelled_ms)
    occurred, asserted = shown(each.occurred_us // MICROSECONDS), shown(each.asserted_us // MICROSECONDS)
    return [each.transaction_id, occurred, each.kind, each.species, asserted, came]


def _text(each: Accepted, zone: str | None) -> list[str]:
    occurred, asserted = (_told(us // MICROSECONDS, zone) for us in (each.occurred_us, each.asserted_us))
    came = "–" if each.labelled_ms is None else _told(each.labelled_ms, zone)
    segments = ", ".join(f"{name}={value}" for name, value in sorted(each.segments.items()))
    kind = each.kind.replace("_", " ")
    return [each.transaction_id, occurred, kind, each.species or "–", asserted, came, segments]


def _told(ms: int, zone: str | None) -> str:
    return local_clock(instant_of(ms), zone)
