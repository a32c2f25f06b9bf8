"""`proofwatch restore relay`: an older database is taken into service; its relays begin where its outbox stands.

The position of a relay is kept twice on Kafka, as the group's offset and beside the outputs (ADR 0017). Both are set,
in one transaction, behind the fence of the relay itself.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import structlog

from proofwatch.bus.errors import BusUnavailable, UnknownTopic
from proofwatch.bus.records import TopicPartition
from proofwatch.bus.wording import plain
from proofwatch.exits.table import RESTORE_RELAY
from proofwatch.runtime.settings import Settings
from services.operations import acting
from services.operations.access import PROCESSES, RELAY

if TYPE_CHECKING:
    from proofwatch.bus.kafka.bus import KafkaBus
    from proofwatch.bus.postgres.pool import DatabasePool

_OUTBOX: Final = """
select f.topic, f.partition, f.outbox_seq, coalesce(r.position, 0) from {schema}.fence f
left join {schema}.outbox_relay r on r.source_topic = f.topic and r.source_partition = f.partition order by 1, 2
"""
_log = structlog.get_logger(__name__)


class Move(NamedTuple):
    """A relay at `now` that is to begin at `to`; the restored outbox holds rows up to `end`."""

    at: TopicPartition
    now: int
    to: int
    end: int


def moves(outbox: Mapping[TopicPartition, tuple[int, int]], published: Mapping[TopicPartition, int]) -> list[Move]:
    """Return whose relay stands elsewhere than the outbox, in order.

    `outbox`: where it ends, and up to where the database knows it to be published. A partition that only Kafka knows
    was first written after the backup: its outbox begins anew, at 0.
    """
    found = []
    for at, now in sorted(published.items()):
        end, known = outbox.get(at, (0, 0))
        if now > known:
            found.append(Move(at, now, known, end))
    return found


def mistake_in(args: argparse.Namespace) -> str | None:
    """Return what is wrong with the arguments."""
    if not args.schema:
        return "relay needs --schema: the schema whose relay is to begin where the restored outbox stands"
    return acting.mistake_in(args) if args.yes else None


def describe_moves(schema: str, todo: Iterable[Move], *, done: bool) -> Iterable[str]:
    """Yield what was or would be done, a line for each partition, and what that means downstream."""
    for at, now, to, end in todo:
        verb = "is set" if done else "would be set"
        rows = f"its {end - to} rows are published again" if end > to else "it holds no rows to be published"
        yield (
            f"group {schema}{RELAY}: {at.topic}/{at.partition} {verb} from {now} to {to}, where the restored outbox "
            f"stands: {rows}"
        )
    yield (
        f"receivers see again: those rows, and what {schema} writes anew from its stored positions on, under the same "
        f"ids and revisions, by which they drop it"
    )
    yield (
        "receivers may miss or contradict: what was published after the backup stays with them; where its input is "
        "gone (retention) it does not come again, and the database does not know it"
    )


async def relay(settings: Settings, args: argparse.Namespace) -> int:
    """Return 0: done, or nothing to do; 1: refused, or shown only. Raises `BusError`."""
    from aiokafka.errors import KafkaError  # the drivers belong to extras

    from proofwatch.bus.kafka.bus import KafkaBus
    from proofwatch.bus.kafka.security import security_of
    from proofwatch.bus.kafka.topic_admin import topic_admin
    from proofwatch.bus.postgres.pool import opened
    from proofwatch.bus.postgres.schema import check_schema

    bootstrap, groups = args.bootstrap or settings.kafka_bootstrap, (args.schema, f"{args.schema}{RELAY}")
    bus = KafkaBus.of(settings, "restore", bootstrap=bootstrap)
    async with opened(args.dsn or settings.postgres_dsn) as pool:
        try:
            await check_schema(pool, args.schema)
            await bus.start()
            async with topic_admin(bootstrap, security_of(settings)) as admin:
                busy = await admin.members(groups)
            if busy:
                sys.stderr.writelines(
                    f"proofwatch restore: group {group} has members: stop every process of {args.schema} first (one "
                    f"that was killed is a member until its session times out)\n"
                    for group in busy
                )
                return 1
            outbox = await _outbox(pool, args.schema)
            todo = moves(outbox, await _published(bus, args.schema, outbox))
            return await _carry_out(bus, args, todo)
        except (KafkaError, TimeoutError) as error:
            raise BusUnavailable(f"Kafka at {bootstrap}: {type(error).__name__}: {plain(error)}") from error
        finally:
            await bus.stop()


async def _carry_out(bus: "KafkaBus", args: argparse.Namespace, todo: Sequence[Move]) -> int:
    if not todo:
        sys.stdout.write(f"group {args.schema}{RELAY} stands where the outbox stands: nothing to do\n")
        return 0
    group = f"{args.schema}{RELAY}"
    if args.yes:
        args.operator = (await acting.on_record(RESTORE_RELAY, args)).actor.id
    for each in todo if args.yes else ():
        await bus.move(group, each.at, each.to)
        _log.warning(
            "relay_position_set",
            group=group,
            topic=each.at.topic,
            partition=each.at.partition,
            position_before=each.now,
            position=each.to,
            operator=args.operator,
            note=args.note,
        )
    sys.stdout.writelines(f"{line}\n" for line in describe_moves(args.schema, todo, done=args.yes))
    if not args.yes:
        sys.stdout.write("nothing was written: --yes --operator NAME --note TEXT writes it\n")
    return 0 if args.yes else 1


async def _outbox(pool: "DatabasePool", schema: str) -> dict[TopicPartition, tuple[int, int]]:
    from proofwatch.bus.postgres.pool import session
    from proofwatch.bus.postgres.setup import in_schema

    async with session(pool, "restore") as connection:
        rows = await connection.fetch(in_schema(_OUTBOX, schema))
    return {TopicPartition(row[0], row[1]): (row[2], row[3]) for row in rows}


async def _published(bus: "KafkaBus", schema: str, stored: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Return where the relay of every partition stands that the schema holds, or that its service reads."""
    found: dict[TopicPartition, int] = {}
    for topic in sorted({at.topic for at in stored} | set(PROCESSES[schema].groups[schema])):
        try:
            count = await bus.partitions(topic)
        except UnknownTopic:
            continue
        for at in (TopicPartition(topic, partition) for partition in range(count)):
            position = await bus.position(f"{schema}{RELAY}", at)
            if position is not None:
                found[at] = position
    return found
