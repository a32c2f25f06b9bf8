"""The database for a query, once it is on record who asks it and for what."""

import argparse
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from proofwatch.exits.asking import asking
from proofwatch.exits.standing import Standing
from proofwatch.exits.table import FIGURES
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SystemClock
from services.aggregator.core.found import NothingFound


@asynccontextmanager
async def admitted_database(
    name: str, args: argparse.Namespace, settings: GovernanceSettings, found: Standing | None
) -> AsyncIterator[tuple[Any, Callable[[str], bool]]]:
    """Give the pool, and which tenants who asks may know of.

    `name`: of the exit; `found`: what is in force with the tenant, if that was read already.

    Raises what the door does (`exits.refusals`), `BusError`, `NothingFound`.
    """
    asked = asking(args, reason=False)
    try:
        from proofwatch.bus.postgres.pool import opened  # the driver belongs to an extra; a run needs none
        from proofwatch.exits.door import admitted
    except ModuleNotFoundError as error:
        raise NothingFound(
            f"the database needs {error.name}, which is not installed: pip install 'proofwatch[postgres]'; or give the "
            "folder of a demo or replay with --run OUT"
        ) from None
    async with opened(args.dsn or settings.postgres_dsn, max_size=2) as pool:
        granted = await admitted(pool, settings, FIGURES[name], args.tenant, asked, SystemClock(), found=found)
        yield pool, granted.sees
