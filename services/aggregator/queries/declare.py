"""`proofwatch markers add`: a person's word that matcher, PAD, SDK or vendor changed, which stays.

It takes effect with the first five-minute window that begins ten minutes from now or later, and not before the moment
that it names: none of those can have closed, so everybody who counts the same log sees it at the same place. What ran
before is known as of an hour ago, so a change of longer ago can no longer be compared with it.
"""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Final

from proofwatch.runtime.clock import SystemClock
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS, MINUTE_MS
from services.aggregator.core.touches import MATCHER, PAD, SDK, TOUCHES, VENDOR
from services.aggregator.queries.found import NothingFound, no_such_tenant, shown

KINDS: Final[Mapping[str, str]] = {"matcher": MATCHER, "pad": PAD, "sdk": SDK, "vendor": VENDOR}
_AHEAD_MS: Final = 10 * MINUTE_MS
_LONGEST: Final = 200


def declare(dsn: str, args: argparse.Namespace) -> str:
    """Write the entry that the arguments ask for; return what it says. Raises `NothingFound`, `BusError`."""
    entry = entry_of(args, SystemClock().now_ms())
    asyncio.run(_write(dsn, entry))
    return said(entry)


def entry_of(args: argparse.Namespace, now_ms: int) -> Declared:
    """Return the entry that the arguments ask for. Raises `NothingFound` naming what is wrong with them."""
    for option in ("kind", "version", "by", "reason"):
        if not (getattr(args, option) or "").strip():
            raise NothingFound(f"--{option} is needed to add a marker: the entry stays")
    if len(args.version.strip()) > _LONGEST:
        raise NothingFound(f"--version has more than {_LONGEST} characters")
    at_ms = now_ms if args.at is None else args.at
    earliest_ms = -(-(now_ms + _AHEAD_MS) // FIVE_MS) * FIVE_MS
    effective_ms = max(earliest_ms, -(-at_ms // FIVE_MS) * FIVE_MS)
    if at_ms < earliest_ms - HOUR_MS:
        raise NothingFound(
            f"--at {shown(at_ms)} is too long ago: what ran before is known as of an hour ago, and has that in it by "
            "now; `proofwatch baseline rebase` has the rates begin anew all the same"
        )
    return Declared(
        args.tenant, KINDS[args.kind], args.version.strip(), at_ms, effective_ms, args.by.strip(), args.reason.strip()
    )


def said(entry: Declared) -> str:
    """Return what an entry says, in a sentence."""
    rates = sorted(TOUCHES[entry.name].begins_anew)
    return (
        f"{entry.name} {entry.version} of {entry.tenant} since {shown(entry.at_ms)}: from the windows of "
        f"{shown(entry.effective_ms)} on it is compared with what ran before, and what is usual begins anew of "
        f"{', '.join(rates)}. By {entry.by}: {entry.reason}"
    )


async def _write(dsn: str, entry: Declared) -> None:
    try:
        from proofwatch.audit.pending import enter
        from proofwatch.bus.postgres.pool import opened  # the driver belongs to an extra
        from services.aggregator.adapters.rate_chart_store import load_tenants
        from services.aggregator.adapters.version_store import write_declared
        from services.aggregator.queries.acts import entry_of_marker
    except ModuleNotFoundError as error:
        raise NothingFound(f"the database needs {error.name}: pip install 'proofwatch[postgres]'") from None
    async with opened(dsn) as pool, pool.acquire() as connection, connection.transaction():
        tenants = await load_tenants(connection)
        if entry.tenant not in tenants:
            raise no_such_tenant(entry.tenant, "the database", tenants)
        await write_declared(connection, entry)
        await enter(connection, entry_of_marker(entry))
