"""`proofwatch explain`: why a transaction got its verdict, and whether the published one is right."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from proofwatch.bus.errors import BusError
from proofwatch.command_line import kept
from proofwatch.command_line.calendars import add_time_zone, zone_of_run
from proofwatch.command_line.times import moment
from proofwatch.events.types import Transaction
from proofwatch.events.wire import connect_wire
from proofwatch.events.wire_errors import InvalidWire, RegistryUnavailable
from proofwatch.exits.asking import NotSaid, add_asking, asking
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.exits.table import EXPLAIN
from proofwatch.governance.policy import InvalidPolicy, Policy
from proofwatch.governance.pseudonyms import InvalidSecret
from proofwatch.governance.settings import GovernanceSettings
from proofwatch.governance.subject_settings import SubjectSettings
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.terminal import progress_bar
from services.scorer.explain.offline import find_policy, read_events, read_verdict
from services.scorer.explain.reproduce import Reproduction, reproduce
from services.scorer.explain.search import NotFound, Published, Search, Unreadable
from services.scorer.explain.show import Explained, as_document, write_text


class _Settings(GovernanceSettings, SubjectSettings):
    """What governs, and by what it is told whose a transaction is."""


class _Searching(NamedTuple):
    """What looks on Kafka, and what raises `Denied` where nothing of what was found may leave."""

    on_bus: Search
    require_unrestricted: Callable[[Published], Awaitable[None]]


NOT_REPRODUCED: Final = 1
NOT_FOUND: Final = 2
_UNUSABLE: Final = (InvalidPolicy, InvalidSecret, InvalidWire)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add = parser.add_argument
    add("transaction", metavar="TRANSACTION_ID")
    add("--tenant", type=kept.tenant, metavar="T", help="whose transaction it is; needed where Kafka is asked")
    add_asking(add)
    add("--subject", metavar="REF", help="with --tenant: reads the subject's partition only")
    add("--attempt", metavar="ID", help="which of several attempts: the attempt_id of the verdict; default: the first")
    add("--since", type=moment, metavar="ISO8601", help="log time from which on to look; default: all that is kept")
    add(
        "--policy",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a policy that may be the one; repeatable",
    )
    add("--event", type=Path, metavar="FILE", help="the event as JSON or in JSON lines; with --verdict: no Kafka")
    add("--verdict", type=Path, metavar="FILE", help="the published verdict, likewise")
    add("--run", type=Path, metavar="DIR", help="the folder of a demo or replay: event, verdict and policy are there")
    add_time_zone(parser, "the tenant's clock, in which its time is written; default: the run's, or UTC")
    add("--json", action="store_true", help="a JSON document instead of tables")
    add("--personal", action="store_true", help="also show subject_ref and segment values")
    add("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    add("--dsn", metavar="DSN", help="the database of the audit log; default: PROOFWATCH_POSTGRES_DSN")


def run(args: argparse.Namespace) -> int:
    """Explain; return 0 when the verdict is reproduced, 1 when it is not, 2 when something is not found."""
    settings = _Settings.read()
    if args.run is not None:
        args.event = args.event or args.run / "transactions.jsonl"
        args.verdict = args.verdict or args.run / "verdicts.jsonl"
        args.policy = [*args.policy, *(path for path in (args.run / "policy.json",) if path.exists())]
    if args.subject and not args.tenant:
        sys.stderr.write("proofwatch explain: --subject needs --tenant: the partition is that of tenant/subject_ref\n")
        return NOT_FOUND
    try:
        explained = asyncio.run(_explain(args, settings))
    except Unreadable as error:
        sys.stderr.write(f"proofwatch explain: not reproduced: {error}\n")
        return NOT_REPRODUCED
    except (NotFound, *_UNUSABLE, RegistryUnavailable, BusError, *REFUSED, *WRONG) as error:
        sys.stderr.write(f"proofwatch explain: {error}\n")
        return NOT_FOUND
    if args.json:
        document = msgspec.json.encode(as_document(explained, personal=args.personal))
        sys.stdout.write(msgspec.json.format(document, indent=2).decode() + "\n")
    else:
        zone = args.time_zone or (zone_of_run(args.run) if args.run else None)
        write_text(explained, sys.stdout, personal=args.personal, zone=zone)
    return 0 if explained.reproduction.reproduced else NOT_REPRODUCED


async def _explain(args: argparse.Namespace, settings: _Settings) -> Explained:
    async with AsyncExitStack() as stack:
        search = None if args.event and args.verdict else await _search(args, settings, stack)
        if args.verdict:
            published = read_verdict(args.verdict, args.transaction, args.tenant, args.attempt)
        else:
            assert search is not None
            published = await search.on_bus.verdict(args.transaction, args.tenant, args.subject, args.attempt)
        if search is not None:
            await search.require_unrestricted(published)
        if args.event:
            events = read_events(args.event, published.verdict)
        else:
            assert search is not None
            events = await search.on_bus.events(published.verdict)
        policy_hash = published.verdict.basis.policy_hash
        policy = find_policy(args.policy, policy_hash)
        if policy is None and search is not None:
            policy = await search.on_bus.policy(policy_hash)
        if policy is None:
            raise NotFound(
                f"policy {policy_hash}, which the verdict rests on, is neither among the profiles and the files given "
                f"nor{'' if search else ' (not asked: no Kafka)'} on the policies topic: give it with --policy FILE"
            )
        found = Explained(best(events, published, policy), policy, published.place)
        if search is not None:
            await search.require_unrestricted(published)  # somebody may have restricted it since
        return found


def best(events: Sequence[Transaction], published: Published, policy: Policy) -> Reproduction:
    """Return the reproduction from the event that was judged: of several under one id the one that fits, or the first.

    Repeats are byte for byte the same, and of events that contradict each other only the first is judged.
    """
    found = [reproduce(event, published.verdict, published.value, policy) for event in events]
    return next((each for each in found if each.reproduced), found[0])


async def _search(args: argparse.Namespace, settings: _Settings, stack: AsyncExitStack) -> _Searching:
    """Return what looks on Kafka, once it is on record that somebody does."""
    try:
        from proofwatch.bus.kafka.bus import KafkaBus  # the drivers belong to extras; files work without them
        from proofwatch.bus.postgres.pool import opened
        from proofwatch.exits.door import admitted
        from proofwatch.exits.restricted import require_unrestricted
    except ModuleNotFoundError as error:
        raise NotFound(
            f"looking on Kafka needs {error.name}, which is not installed: pip install 'proofwatch[kafka,postgres]'; "
            "or give the folder of a demo or replay with --run DIR, or --event FILE and --verdict FILE"
        ) from None

    asked = asking(args)
    if not args.tenant:
        raise NotSaid("--tenant is needed where Kafka is asked: whose transaction it is")
    bus = KafkaBus.of(settings, "explain", bootstrap=args.bootstrap)
    await bus.start()
    stack.push_async_callback(bus.stop)
    pool = await stack.enter_async_context(opened(args.dsn or settings.postgres_dsn, max_size=2))
    clock = SystemClock()
    granted = await admitted(
        pool, settings, EXPLAIN, args.tenant, asked, clock, bootstrap=args.bootstrap, transaction_id=args.transaction
    )

    async def unrestricted(found: Published) -> None:
        about, whose = (args.tenant, {args.transaction}), {found.verdict.subject_ref}
        await require_unrestricted(pool, EXPLAIN, granted, *about, whose, settings.secret, instant_of(clock.now_ms()))

    wire = await connect_wire(settings)
    stack.push_async_callback(wire.close)
    since_ms = round(args.since.timestamp() * 1000) if args.since else 0
    search = Search(bus, wire=wire, since_ms=since_ms, progress=stack.enter_context(progress_bar("looking")))
    return _Searching(search, unrestricted)
