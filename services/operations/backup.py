"""`proofwatch backup check`: whether what is needed could be restored, before a backup and from it (docs/backup.md)."""

import argparse
import asyncio
import sys
from typing import Final

from proofwatch.bus.errors import BusError
from proofwatch.command_line.options import add_bootstrap
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.events.topics import kafka_specs, load_manifests
from proofwatch.runtime.settings import Settings
from services.operations.backup_table import HEADS, Row, judged, lines
from services.operations.database_positions import SCHEMAS, read_positions

_NOTES: Final = (
    "BEHIND: offsets that the database has not read. SPARE: offsets that are left before its position. REPLAYS UNTIL: "
    "when Kafka's retention may have passed what the database has not read, if it were restored as it is now."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    checking = SubCommands(parser, _shared).add(
        "check",
        "say what could be restored: before a backup, and from a copy that was restored from it",
        "--dsn postgresql://127.0.0.1/restored_copy",
        check,
    )
    checking.description = (
        "Say in one table which tables and topics are the truth, where the database stands beside Kafka, and "
        "whether the topics still reach back to it; before a backup on the database itself, after it on a copy that "
        "was restored from it. Needs an administrator's rights, and writes nothing."
    )


def _shared(add: Add) -> None:
    add_bootstrap(add)
    add("--dsn", help="the database, or a restored copy; default: PROOFWATCH_POSTGRES_DSN")


def run(args: argparse.Namespace) -> int:
    """Do what the sub-command says; return its exit code."""
    return int(args.act(args))


def check(args: argparse.Namespace) -> int:
    """Return 0 when everything could be restored; 1 when something could not, or nobody answers, with the reasons."""
    try:
        rows = asyncio.run(_check(Settings.read(), args.bootstrap, args.dsn))
    except BusError as error:
        sys.stderr.write(f"proofwatch backup: {error}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines(HEADS, [row.cells for row in rows]))
    sys.stdout.write(f"{_NOTES}\n")
    wrong = [reason for row in rows for reason in row.wrong]
    sys.stdout.writelines(f"note: {note}\n" for row in rows for note in row.notes)
    sys.stdout.writelines(f"cannot be restored: {reason}\n" for reason in wrong)
    sys.stdout.write("something that is needed cannot be restored\n" if wrong else "what is needed can be restored\n")
    return 1 if wrong else 0


async def _check(settings: Settings, bootstrap: str | None, dsn: str | None) -> list[Row]:
    from proofwatch.bus.kafka.bus import KafkaBus  # the drivers belong to extras
    from proofwatch.bus.kafka.security import security_of
    from proofwatch.bus.kafka.topic_admin import topic_admin
    from proofwatch.bus.postgres.pool import opened
    from proofwatch.bus.postgres.schema import check_schema

    manifests = load_manifests()
    bus = KafkaBus.of(settings, "backup", bootstrap=bootstrap)
    async with opened(dsn or settings.postgres_dsn) as pool:
        try:
            for schema in SCHEMAS:
                await check_schema(pool, schema)
            await bus.start()
            positions = await read_positions(pool, bus)
            names = {spec.name for spec in kafka_specs(manifests)} | {each.topic for each in positions.stored}
            async with topic_admin(bootstrap or settings.kafka_bootstrap, security_of(settings)) as admin:
                present = await admin.present(sorted(names))
            return judged(positions, manifests, present)
        finally:
            await bus.stop()
