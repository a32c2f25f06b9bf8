"""`proofwatch restore`: whether a database fits the topics, before services start on it (docs/backup.md)."""

import argparse
import asyncio
import sys
from collections.abc import Iterator

from proofwatch.bus.errors import BusError, ErasuresUnknown, Fenced
from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.events import topics
from proofwatch.exits.refusals import REFUSED, WRONG
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.settings import Settings
from services.operations.acting import add_operator
from services.operations.database_positions import SCHEMAS, DatabasePositions, ahead, misfit, read_positions
from services.operations.restore_relay import mistake_in, relay


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    actions = SubCommands(parser, _shared)
    actions.add("check", "compare positions in the database with those on Kafka", "", check)
    actions.add(
        "relay",
        "show where the relay of --schema would begin on an older database, and with --yes let it begin there",
        "--schema ledger --yes --operator r.mehta --note 'restored from Sunday'",
        move_relay,
    )


def _shared(add: Add) -> None:
    add_bootstrap(add)
    add("--dsn", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    add("--schema", choices=SCHEMAS, help="relay: whose; its service must be stopped")
    add("--yes", action="store_true", help="relay: write it; needs --note")
    add_operator(add, dsn=False)


def run(args: argparse.Namespace) -> int:
    """Return 0 when services may start; 1 when they must not, or nobody answers, with a line for each reason.

    2 when the arguments make no sense.
    """
    return int(args.act(args))


def check(args: argparse.Namespace) -> int:
    """Say what of the database does not fit the topics."""
    try:
        findings = asyncio.run(_check(Settings.read(), args.bootstrap, args.dsn))
    except BusError as error:
        sys.stderr.write(f"proofwatch restore: {error}\n")
        return 1
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    if not findings:
        sys.stdout.write("the database fits the topics: services may start\n")
    return 1 if findings else 0


def move_relay(args: argparse.Namespace) -> int:
    """Show or set where a relay begins."""
    if wrong := mistake_in(args):
        sys.stderr.write(f"proofwatch restore: {wrong}\n")
        return 2
    configure_logging("warning", "restore")
    try:
        return asyncio.run(relay(Settings.read(), args))
    except Fenced as error:
        sys.stderr.write(f"proofwatch restore: {error}: {args.schema} was started meanwhile; stop it and try again\n")
    except WRONG as error:
        sys.stderr.write(f"proofwatch restore: {error}\n")
        return 2
    except (BusError, *REFUSED) as error:
        sys.stderr.write(f"proofwatch restore: {error}\n")
    return 1


def judge(positions: DatabasePositions) -> Iterator[str]:
    """Yield what does not fit, a sentence each."""
    for each in positions.stored:
        schema, topic, partition, *_ = each
        if said := misfit(each, positions.held.get((topic, partition))):
            yield said
        if ahead(each, positions):
            yield (
                f"{schema}: {topic}/{partition}: outputs up to {positions.relayed[schema, topic, partition]} are "
                f"published, but the database knows {each.outbox_seq} only: it is older than Kafka. While {schema} is "
                f"stopped, run `proofwatch restore relay --schema {schema} --yes --operator … --note …`: what is "
                f"counted once more is published once more, under the same ids"
            )


async def _check(settings: Settings, bootstrap: str | None, dsn: str | None) -> list[str]:
    from proofwatch.bus.kafka.bus import KafkaBus  # the drivers belong to extras
    from proofwatch.bus.postgres.erasures import ErasureLog
    from proofwatch.bus.postgres.pool import opened
    from proofwatch.bus.postgres.schema import check_schema

    bus = KafkaBus.of(settings, "restore", bootstrap=bootstrap)
    async with opened(dsn or settings.postgres_dsn) as pool:
        try:
            for schema in SCHEMAS:
                await check_schema(pool, schema)
            await bus.start()
            unknown = (await ErasureLog(bus).announced(pool, "restore")).unknown
            again = [str(ErasuresUnknown(topics.ERASURES, len(unknown)))] if unknown else []
            return [*judge(await read_positions(pool, bus)), *again]
        finally:
            await bus.stop()
