"""`proofwatch restore`: whether a database fits the topics, before services start on it (docs/backup.md)."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.bus.errors import BusError, BusUnavailable, Fenced, UnknownTopic
from proofwatch.bus.port import TopicPartition
from proofwatch.runtime.logging import configure_logging
from proofwatch.runtime.settings import Settings
from services.operations.restore_relay import RELAY, relay, senseless

if TYPE_CHECKING:
    from proofwatch.bus.kafka import KafkaBus
    from proofwatch.bus.postgres_pool import DatabasePool

SCHEMAS: Final = ("windows", "ledger", "triage", "notifier")
"""Each is also the name of its consumer group."""
_COORDINATOR_S: Final = 20


class Stored(NamedTuple):
    """A row of a schema's fence: `position` is the next offset to be read, `outbox_seq` the next row to be written."""

    schema: str
    topic: str
    partition: int
    position: int | None
    outbox_seq: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "action",
        choices=("check", "relay"),
        help="check: compare positions in the database with those on Kafka; relay: show where the relay of --schema "
        "would begin on an older database, and with --yes let it begin there",
    )
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    parser.add_argument("--dsn", help="the database; default: PROOFWATCH_POSTGRES_DSN")
    parser.add_argument("--schema", choices=SCHEMAS, help="relay: whose; its service must be stopped")
    parser.add_argument("--yes", action="store_true", help="relay: write it; needs --note")
    parser.add_argument("--operator", metavar="NAME", help="relay: who does it")
    parser.add_argument("--note", metavar="TEXT", help="relay: why the database is older; no personal data")


def run(args: argparse.Namespace) -> int:
    """Return 0 when services may start; 1 when they must not, or nobody answers, with a line for each reason.

    2 when the arguments make no sense.
    """
    if args.action == "relay":
        return _relay(args)
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


def _relay(args: argparse.Namespace) -> int:
    if wrong := senseless(args):
        sys.stderr.write(f"proofwatch restore: {wrong}\n")
        return 2
    configure_logging("warning", "restore")
    try:
        return asyncio.run(relay(Settings.read(), args))
    except Fenced as error:
        sys.stderr.write(f"proofwatch restore: {error}: {args.schema} was started meanwhile; stop it and try again\n")
    except BusError as error:
        sys.stderr.write(f"proofwatch restore: {error}\n")
    return 1


def judge(
    stored: Sequence[Stored], ends: Mapping[tuple[str, int], int], relayed: Mapping[tuple[str, str, int], int]
) -> Iterator[str]:
    """Yield what does not fit. `ends`: by topic and partition; `relayed`: offsets of `<schema>-relay` likewise."""
    for schema, topic, partition, position, outbox_seq in stored:
        at, end = f"{schema}: {topic}/{partition}", ends.get((topic, partition))
        if position and end is None:
            yield f"{at} was read up to {position}, but there is no such partition: the topics are not restored"
        elif position and end is not None and position > end:
            yield (
                f"{at} was read up to {position}, but the topic ends at {end}: it is another cluster's, or made anew; "
                f"restore the topics, or empty the schema and read again"
            )
        published = relayed.get((schema, topic, partition), 0)
        if published > outbox_seq:
            yield (
                f"{at}: outputs up to {published} are published, but the database knows {outbox_seq} only: it is older "
                f"than Kafka. While {schema} is stopped, run "
                f"`proofwatch restore relay --schema {schema} --yes --note …`: what is counted once more is published "
                f"once more, under the same ids"
            )


async def _check(settings: Settings, bootstrap: str | None, dsn: str | None) -> list[str]:
    from proofwatch.bus.kafka import KafkaBus  # the drivers belong to extras
    from proofwatch.bus.postgres_pool import create_pool
    from proofwatch.bus.postgres_schema import check_schema

    pool = await create_pool(dsn or settings.postgres_dsn, max_size=1)
    bus = KafkaBus.of(settings, "restore", bootstrap=bootstrap)
    try:
        for schema in SCHEMAS:
            await check_schema(pool, schema)
        await bus.start()
        return list(judge(*await _gather(pool, bus)))
    finally:
        await bus.stop()
        await pool.close()


async def _gather(
    pool: "DatabasePool", bus: "KafkaBus"
) -> tuple[list[Stored], dict[tuple[str, int], int], dict[tuple[str, str, int], int]]:
    from proofwatch.bus.postgres_pool import session
    from proofwatch.bus.postgres_setup import in_schema

    stored: list[Stored] = []
    for schema in SCHEMAS:
        query = in_schema("select topic, partition, position, outbox_seq from {schema}.fence order by 1, 2", schema)
        async with session(pool, "restore") as connection:
            stored += [Stored(schema, *row) for row in await connection.fetch(query)]
    ends: dict[tuple[str, int], int] = {}
    relayed: dict[tuple[str, str, int], int] = {}
    for topic in sorted({each.topic for each in stored}):
        try:
            ends.update({(topic, partition): end for partition, end in (await bus.ends(topic)).items()})
        except UnknownTopic:
            continue
        for schema, _, partition, *_ in (each for each in stored if each.topic == topic):
            position = await _position(bus, f"{schema}{RELAY}", TopicPartition(topic, partition))
            if position is not None:
                relayed[schema, topic, partition] = position
    return stored, ends, relayed


async def _position(bus: "KafkaBus", group: str, at: TopicPartition) -> int | None:
    """Return where a group goes on; a cluster that has seen no group makes its coordinator at the first question."""
    for _ in range(_COORDINATOR_S):
        try:
            return await bus.position(group, at)
        except UnknownTopic:  # neither an offset nor a topic of positions: nothing was ever published
            return None
        except BusUnavailable:
            await asyncio.sleep(1)
    return await bus.position(group, at)
