"""Where a database stands beside Kafka, partition by partition: for `restore check` and `backup check` alike."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from proofwatch.bus.errors import BusUnavailable, UnknownTopic
from proofwatch.bus.records import TopicPartition
from services.operations.access import RELAY

if TYPE_CHECKING:
    from proofwatch.bus.kafka.bus import KafkaBus
    from proofwatch.bus.postgres.pool import DatabasePool

SCHEMAS: Final = ("windows", "ledger", "incidents", "triage", "notifier", "consents")
"""Each is also the name of its consumer group."""
_COORDINATOR_S: Final = 20
_FENCE: Final = """
select topic, partition, position, outbox_seq, progress_ms, topic_id from {schema}.fence order by 1, 2
"""


class Stored(NamedTuple):
    """A row of a schema's fence: `position` is the next offset to be read, `outbox_seq` the next row to be written.

    `progress_ms`: the log time up to which is read, ms since 1970; `topic_id`: of which topic. None: not known.
    """

    schema: str
    topic: str
    partition: int
    position: int | None
    outbox_seq: int
    progress_ms: int | None = None
    topic_id: str | None = None


class Held(NamedTuple):
    """What Kafka holds of a partition: offsets from `begin` on, below `end`; `topic_id`: of which topic."""

    begin: int
    end: int
    topic_id: str | None = None


class DatabasePositions(NamedTuple):
    """`held` by topic and partition; `relayed`: where `<schema>-relay` goes on, by schema, topic and partition."""

    stored: list[Stored]
    held: Mapping[tuple[str, int], Held]
    relayed: Mapping[tuple[str, str, int], int]


def misfit(stored: Stored, held: Held | None) -> str | None:
    """Return why a partition cannot be read on from where the database stands; None: it can."""
    schema, topic, partition, position = stored[:4]
    at = f"{schema}: {topic}/{partition}"
    if not position:
        return None
    if held is None:
        return f"{at} was read up to {position}, but there is no such partition: the topics are not restored"
    if position > held.end:
        return (
            f"{at} was read up to {position}, but the topic ends at {held.end}: it is another cluster's, or made anew; "
            f"restore the topics, or empty the schema and read again"
        )
    if stored.topic_id and held.topic_id and stored.topic_id != held.topic_id:
        return (
            f"{at} was read up to {position} of a topic with id {stored.topic_id}, and the one of that name now has id "
            f"{held.topic_id}: it was made anew, and the position means other records; restore the topic, or start "
            f"{schema} with PROOFWATCH_ACCEPT_NEW_TOPICS={topic}={held.topic_id} to read the new one from its beginning"
        )
    if position < held.begin:
        return (
            f"{at} was read up to {position}, but the topic begins at {held.begin}: {held.begin - position} offsets "
            f"have passed its retention and cannot be replayed; restore a later backup, or a mirror of the topic"
        )
    return None


def ahead(stored: Stored, positions: DatabasePositions) -> int:
    """Return how many outputs are published that the database does not know; 0: it knows all."""
    published = positions.relayed.get((stored.schema, stored.topic, stored.partition), 0)
    return max(0, published - stored.outbox_seq)


async def read_positions(pool: "DatabasePool", bus: "KafkaBus") -> DatabasePositions:
    """Ask both. Raises `BusError`."""
    from proofwatch.bus.postgres.pool import session
    from proofwatch.bus.postgres.setup import in_schema

    stored: list[Stored] = []
    for schema in SCHEMAS:
        async with session(pool, "positions") as connection:
            stored += [Stored(schema, *row) for row in await connection.fetch(in_schema(_FENCE, schema))]
    held: dict[tuple[str, int], Held] = {}
    relayed: dict[tuple[str, str, int], int] = {}
    for topic in sorted({each.topic for each in stored}):
        try:
            begins, ends, found = await bus.beginnings(topic), await bus.ends(topic), await bus.topic(topic)
        except UnknownTopic:
            continue
        held |= {(topic, partition): Held(begins[partition], end, found.id) for partition, end in ends.items()}
        for schema, _, partition, *_ in (each for each in stored if each.topic == topic):
            position = await _position(bus, f"{schema}{RELAY}", TopicPartition(topic, partition))
            if position is not None:
                relayed[schema, topic, partition] = position
    return DatabasePositions(stored, held, relayed)


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
