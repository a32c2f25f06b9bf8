"""`proofwatch markers add`: a person's word that matcher, PAD, SDK or vendor changed, which stays.

It takes effect with the first five-minute window that begins ten minutes from now or later, and not before the moment
that it names: none of those can have closed, so everybody who counts the same log sees it at the same place. What ran
before is known as of an hour ago, so a change of longer ago can no longer be compared with it.
"""

import argparse
import asyncio
from collections.abc import Mapping
from typing import Final

from proofwatch.access.reasons import stated
from proofwatch.exits.asking import Asking, asking
from proofwatch.exits.opening import through_door
from proofwatch.exits.table import MARKERS_ADD
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.runtime.clock import SystemClock
from services.aggregator.core.found import NothingFound, no_such_tenant, shown
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS, MINUTE_MS
from services.aggregator.core.touches import MATCHER, PAD, SDK, TOUCHES, VENDOR

KINDS: Final[Mapping[str, str]] = {"matcher": MATCHER, "pad": PAD, "sdk": SDK, "vendor": VENDOR}
_AHEAD_MS: Final = 10 * MINUTE_MS
_LONGEST: Final = 200


def declare(settings: GovernanceSettings, args: argparse.Namespace) -> str:
    """Write the entry that the arguments ask for; return what it says.

    Raises `NothingFound`, what the door does (`exits.refusals`), and `BusError`.
    """
    asked, entry = asking(args), entry_of(args, SystemClock().now_ms())
    return said(asyncio.run(_write(settings, args.dsn, asked, entry)))


def entry_of(args: argparse.Namespace, now_ms: int) -> Declared:
    """Return the entry that the arguments ask for. Raises `NothingFound` naming what is wrong with them."""
    for option in ("kind", "version"):
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
    by = (args.by or "").strip()  # of a session it is the account, which is known behind the door
    version = args.version.strip()
    return Declared(args.tenant, KINDS[args.kind], version, at_ms, effective_ms, by, stated(args.reason))


def said(entry: Declared) -> str:
    """Return what an entry says, in a sentence."""
    rates = sorted(TOUCHES[entry.name].begins_anew)
    return (
        f"{entry.name} {entry.version} of {entry.tenant} since {shown(entry.at_ms)}: from the windows of "
        f"{shown(entry.effective_ms)} on it is compared with what ran before, and what is usual begins anew of "
        f"{', '.join(rates)}. By {entry.by}: {entry.reason}"
    )


async def _write(settings: GovernanceSettings, dsn: str | None, asked: Asking, entry: Declared) -> Declared:
    """Write it with its entry in the audit log, once it is on record who asks; return it as it was written."""
    async with through_door(settings, MARKERS_ADD, entry.tenant, asked, dsn=dsn) as (pool, granted):
        from proofwatch.audit.pending import enter
        from proofwatch.exits.door import through
        from services.aggregator.adapters.rate_chart_store import load_tenants
        from services.aggregator.adapters.version_store import write_declared
        from services.aggregator.queries.acts import entry_of_marker

        written = entry._replace(by=granted.actor.id)
        async with pool.acquire() as connection, connection.transaction():
            tenants = await load_tenants(connection)
            if written.tenant not in tenants:
                raise no_such_tenant(written.tenant, "the database", [each for each in tenants if granted.sees(each)])
            await write_declared(connection, written)
            await enter(connection, through(entry_of_marker(written), granted, MARKERS_ADD))
    return written
