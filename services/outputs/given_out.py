"""What a command of this service gives out: through the door, made, on record by its hash, and only then written."""

import asyncio
import hashlib
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from proofwatch.bus.errors import BusError
from proofwatch.bus.postgres.pool import opened
from proofwatch.command_line import kept
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.door import Granted, admitted
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import Exit
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import Clock, SystemClock
from services.outputs.core.month import Month, month_of
from services.outputs.ledger import NoFigures


class Ask(NamedTuple):
    """Whose month is asked for, of what has been let through."""

    tenant: str
    month: Month
    granted: Granted
    clock: Clock


class Made(NamedTuple):
    """What is given out, and what people are told beside it."""

    text: str
    notes: tuple[str, ...] = ()


Make = Callable[[Any, Ask], Awaitable[Made]]
"""What makes the output from the database, and enters it."""


def add_month(parser: ArgumentParser) -> None:
    """Declare whose month it is, and who asks."""
    add = parser.add_argument
    add("--tenant", type=kept.tenant, required=True, metavar="T", help="whose month")
    add("--month", required=True, metavar="YYYY-MM", help="a month of the tenant's own calendar")
    add_asking(add)
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")


def run_output(args: Namespace, exit_: Exit, make: Make) -> int:
    """Write what `make` makes to standard output. Return 1 where it is refused, 2 for a wrong call."""
    try:
        month = month_of(args.month)
        made = asyncio.run(_made(args, exit_, month, make))
    except (ValueError, *WRONG) as error:
        sys.stderr.write(f"proofwatch {exit_.name}: {error}\n")
        return 2
    except (BusError, NoFigures, *REFUSED) as error:
        sys.stderr.write(f"proofwatch {exit_.name}: nothing was given out: {error}\n")
        return 1
    sys.stdout.write(made.text)
    sys.stderr.write("".join(f"proofwatch {exit_.name}: {note}\n" for note in made.notes))
    return 0


def digest(made: str) -> str:
    """Return the SHA-256 of an output as it is written."""
    return hashlib.sha256(made.encode()).hexdigest()


async def _made(args: Namespace, exit_: Exit, month: Month, make: Make) -> Made:
    asked, settings, clock = asking(args, reason=False), GovernanceSettings.read(), SystemClock()
    async with opened(args.dsn or settings.postgres_dsn, max_size=2) as pool:
        granted = await admitted(pool, settings, exit_, args.tenant, asked, clock, days=month.days())
        return await make(pool, Ask(args.tenant, month, granted, clock))
