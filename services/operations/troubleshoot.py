"""`proofwatch troubleshoot`: one transaction for whoever looks into a fault, with its path through the stages.

The entry in the audit log is committed before anything of the transaction is read; it names the transaction by a
commitment only (`exits.door.commitment`).
"""

import argparse
import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

from proofwatch.bus.errors import BusError
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.pool import opened, session
from proofwatch.command_line import kept
from proofwatch.command_line.options import add_bootstrap, add_json
from proofwatch.command_line.times import moment_ms
from proofwatch.events.wire import Wire, connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.exits.asking import Asking, add_asking, asking
from proofwatch.exits.door import admitted
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.restricted import require_unrestricted
from proofwatch.exits.table import TROUBLESHOOT
from proofwatch.governance.pseudonyms import InvalidSecret, parse_secret
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.governance.subject_settings import SubjectSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock, SystemClock
from services.operations.troubleshoot_path import LOOKED_AT, Seen, in_tables, on_topics
from services.operations.troubleshoot_text import Shown, document, write
from services.scorer.explain.command import best
from services.scorer.explain.offline import find_policy
from services.scorer.explain.search import NotFound, Search, Unreadable
from services.scorer.explain.show import Explained


class _Settings(GovernanceSettings, SubjectSettings):
    """What governs, and by what it is told whose a transaction is."""


_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Show one transaction: where and when it was seen on topics and in tables, its event and verdict, and why. The "
        "entry in the audit log comes first. Needs the rights of the role `fraud`."
    )
    add = parser.add_argument
    add("transaction", metavar="TRANSACTION_ID")
    add("--tenant", type=kept.tenant, required=True, metavar="T", help="whose transaction it is")
    add_asking(add)
    add("--since", type=moment_ms, default=0, metavar="TIME", help="log time from which on to look: ISO 8601, or 7d")
    add("--personal", action="store_true", help="also show subject_ref, device.ref and segment values")
    add("--dsn", metavar="DSN", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    add_bootstrap(add)
    add_json(add)


def run(args: argparse.Namespace) -> int:
    """Show it. Return 1 when it is refused or something is away, 2 when nothing is found or the call is wrong."""
    try:
        found = asyncio.run(_on_kafka(args))
    except (*WRONG, InvalidSecret, InvalidWire) as error:
        sys.stderr.write(f"proofwatch troubleshoot: {error}\n")
        return 2
    except (BusError, RegistryUnavailable, *REFUSED) as error:
        sys.stderr.write(f"proofwatch troubleshoot: nothing is shown: {error}\n")
        return 1
    except ModuleNotFoundError as error:
        sys.stderr.write(f"proofwatch troubleshoot needs {error.name}: pip install 'proofwatch[kafka]'\n")
        return 2
    if not found.path:
        sys.stderr.write(
            f"proofwatch troubleshoot: {args.tenant} has no transaction {args.transaction!r} any more; looked at "
            f"{', '.join(LOOKED_AT)}, the ledger, cases and imagery. Entry {found.entry_id} says who looked\n"
        )
        return 2
    if args.json:
        sys.stdout.write(document(found, personal=args.personal))
    else:
        write(found, sys.stdout, personal=args.personal)
    return 0


async def _on_kafka(args: argparse.Namespace) -> Shown:
    from proofwatch.bus.kafka.bus import KafkaBus  # the driver belongs to an extra; --help works without it

    asked, settings = asking(args), _Settings.read()
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(opened(args.dsn or settings.postgres_dsn, max_size=2))
        wire = await connect_wire(settings)
        stack.push_async_callback(wire.close)
        bus = KafkaBus.of(settings, "troubleshoot", bootstrap=args.bootstrap)
        await bus.start()
        stack.push_async_callback(bus.stop)
        return await troubleshoot(
            pool, bus, wire, settings, args.tenant, args.transaction, asked, SystemClock(),
            since_ms=args.since, bootstrap=args.bootstrap, secret=settings.secret,
        )  # fmt: skip


async def troubleshoot(
    pool: Any,
    bus: Bus,
    wire: Wire,
    settings: GovernanceSettings,
    tenant: str,
    transaction_id: str,
    asked: Asking,
    clock: Clock,
    *,
    since_ms: int = 0,
    bootstrap: str | None = None,
    secret: Callable[[], bytes] = lambda: parse_secret(None),
) -> Shown:
    """Return what is found of a transaction, once it is on record who looks. Raises what the door does, `BusError`.

    `secret`: the deployment's, by which it is told whose processing is restricted; raises `InvalidSecret`.
    """
    granted = await admitted(
        pool, settings, TROUBLESHOOT, tenant, asked, clock, bootstrap=bootstrap, transaction_id=transaction_id
    )
    path, whose = await on_topics(bus, wire, tenant, transaction_id, since_ms)

    async def require_usable() -> None:
        now = instant_of(clock.now_ms())
        await require_unrestricted(pool, TROUBLESHOOT, granted, tenant, {transaction_id}, whose, secret, now)

    await require_usable()
    async with session(pool, "troubleshoot") as connection:
        path += await in_tables(connection, tenant, transaction_id)
    path.sort(key=_by_time)
    empty = Shown(granted.entry_id, transaction_id, tenant, path, (), None, None, ())
    found = await _explained(Search(bus, wire=wire, since_ms=since_ms), empty) if path else empty
    await require_usable()  # somebody may have restricted it since
    return found


async def _explained(search: Search, found: Shown) -> Shown:
    try:
        published = await search.verdict(found.transaction_id, found.tenant, None)
    except (NotFound, Unreadable) as error:
        return found._replace(missing=(f"no explanation: {error}",))
    found = found._replace(verdict=published.verdict)
    try:
        events = await search.events(published.verdict)
    except NotFound as error:
        return found._replace(missing=(f"no explanation: {error}",))
    found = found._replace(events=events)
    policy_hash = published.verdict.basis.policy_hash
    policy = find_policy((), policy_hash) or await search.policy(policy_hash)
    if policy is None:
        return found._replace(missing=(f"no explanation: policy {policy_hash} is neither a profile nor on the topic",))
    return found._replace(explained=Explained(best(events, published, policy), policy, published.place))


def _by_time(each: Seen) -> datetime:
    return each.at or _LATEST
