"""`proofwatch restore check`: whether a database fits the topics, before services start on it (docs/backup.md)."""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.bus.errors import BusError, BusUnavailable, UnknownTopic
from proofwatch.runtime.settings import Settings

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
    parser.add_argument("action", choices=("check",), help="compare positions in the database with those on Kafka")
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="the broker; default: PROOFWATCH_KAFKA_BOOTSTRAP")
    parser.add_argument("--dsn", help="the database; default: PROOFWATCH_POSTGRES_DSN")


def run(args: argparse.Namespace) -> int:
    """Return 0 when services may start; 1 when they must not, or nobody answers, with a line for each reason."""
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
                f"than Kafka. Delete the offsets of group {schema}-relay while {schema} is stopped: what is counted "
                f"once more is published once more, under the same ids"
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
        for schema in sorted({each.schema for each in stored if each.topic == topic}):
            offsets = await _offsets(bus, f"{schema}-relay", topic)
            relayed.update({(schema, topic, partition): offset for partition, offset in offsets.items()})
    return stored, ends, relayed


async def _offsets(bus: "KafkaBus", group: str, topic: str) -> dict[int, int]:
    """Return committed offsets; a cluster that has seen no group yet makes its coordinator at the first question."""
    for _ in range(_COORDINATOR_S):
        try:
            return await bus.positions(group, topic)
        except BusUnavailable:
            await asyncio.sleep(1)
    return await bus.positions(group, topic)
