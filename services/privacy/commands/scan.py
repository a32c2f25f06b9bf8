"""`proofwatch privacy scan`: whether anything of somebody is left, in tables, topics, Redis and folders."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, Final

from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.command_line.columns import as_columns
from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.events.topics import kafka_specs
from proofwatch.exits.asking import add_asking, asking
from proofwatch.exits.door import ask, through
from proofwatch.exits.standing import BY_LAW
from proofwatch.exits.table import PRIVACY_SCAN
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import SystemClock
from proofwatch.runtime.terminal import progress_bar
from services.privacy.adapters.search import Search, search_folder, search_redis, search_tables, search_topics
from services.privacy.commands.opening import WrongCall, add_dsn, database, subject_of
from services.privacy.commands.retention import add_retention
from services.privacy.commands.running import reason_of, run_command
from services.privacy.commands.subjects import add_subject, subject_ref, transactions_in
from services.privacy.config import Settings
from services.privacy.core import acts
from services.privacy.core.needles import needles

_LEFT: Final = 1
_NOT_ALL: Final = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "scan: whether anything of a data subject is left: raw, in base64, hex, UTF-16, JSON and percent escapes; in "
        "gzip, zlib, zstd, lz4, snappy and Parquet. Needs an administrator's rights on database, Kafka and Redis. Exit "
        "code 0: nothing was found; 1: something was, or is away; 3: nothing was, in what could be searched. "
        "retention: what is removed by age."
    )
    actions = SubCommands(parser, _shared)
    example = "kestrel-telecom sub-c07e51 --as my.session --reason 'erased in May' --folder out"
    add = actions.add("scan", "look for somebody in everything", example, _scanned).add_argument
    add_subject(add)
    add(
        "--transactions",
        type=Path,
        metavar="FILE",
        help="ids of their transactions, one a line, to look for too",
    )
    add(
        "--folder",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a folder of outputs; repeatable",
    )
    add_asking(add)
    add_retention(actions)


def run(args: argparse.Namespace) -> int:
    """Look; return 0 when nothing was found, 1 when something was, or nothing could be searched, 2 when the call is
    wrong, 3 when nothing was found and something could not be searched.
    """
    args.code = 0
    return run_command("privacy", args) or int(args.code)


def _shared(add: Add) -> None:
    add_dsn(add)
    add_bootstrap(add)


async def _scanned(args: argparse.Namespace, settings: Settings) -> str:
    from redis.asyncio import Redis

    from proofwatch.bus.kafka.bus import KafkaBus

    reason, asked, subject = reason_of(args), asking(args), subject_of(settings, args.tenant, subject_ref(args.subject))
    try:
        wanted = needles("subject", subject.subject_ref)
        wanted += [each for id_ in sorted(transactions_in(args.transactions)) for each in needles("transaction", id_)]
    except ValueError as error:
        raise WrongCall(str(error)) from None
    if missing := [folder for folder in args.folder if not folder.is_dir()]:
        raise WrongCall(f"{missing[0]} is no folder")
    search = Search(wanted)
    async with database(settings, args.dsn) as pool:
        now = instant_of(SystemClock().now_ms())
        granted = await ask(pool, PRIVACY_SCAN, args.tenant, asked, BY_LAW, now)
        with progress_bar("looking through tables") as advance:
            await search_tables(search, pool, advance)
        bus = KafkaBus.of(settings, "privacy-scan", bootstrap=args.bootstrap)
        await bus.start()
        try:
            with progress_bar("looking through topics") as advance:
                await search_topics(search, bus, kafka_specs(), advance)
        finally:
            await bus.stop()
        client: Any = Redis.from_url(settings.redis_url)
        try:
            with progress_bar("looking through Redis") as advance:
                await search_redis(search, client, advance)
        finally:
            await client.aclose()
        for folder in args.folder:
            with progress_bar("looking through files") as advance:
                await asyncio.to_thread(search_folder, search, folder, advance)
        now = instant_of(SystemClock().now_ms())
        details = {"places": len({place for place, _, _ in search.found}), "not_searched": len(search.unsearched)}
        async with transaction(pool, "privacy") as tx:
            made = act(acts.SEARCHED, granted.actor, now, tenant=args.tenant, reason=reason, details=details)
            await enter(tx, through(made, granted, PRIVACY_SCAN))
    args.code = _LEFT if search.found else _NOT_ALL if search.unsearched else 0
    return said(search)


def said(search: Search) -> str:
    """Return what was found, where and how often; nobody's name is in it."""
    sys.stderr.writelines(f"not searched: {sentence}\n" for sentence in search.unsearched)
    if not search.found:
        return "nothing was found" + (", in what could be searched\n" if search.unsearched else "\n")
    rows = [[place, what, how, f"{count:,}"] for (place, what, how), count in sorted(search.found.items())]
    return as_columns(("WHERE", "WHAT", "HOW", "TIMES"), rows)
