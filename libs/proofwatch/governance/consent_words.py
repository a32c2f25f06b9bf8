"""Consents as `proofwatch run consents` keeps them (schema `consents`): what is in force, and whether all was read.

What rests on consent asks `require_read` first, in the same transaction, and then what is in force: a withdrawal that
is on the topic counts from that moment on, whether or not the follower has come to it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from proofwatch.bus.port import Bus
from proofwatch.bus.records import TopicPartition
from proofwatch.events import topics
from proofwatch.governance.consents import Word, state_of
from proofwatch.governance.purposes import Purpose
from proofwatch.governance.release import ConsentState

_WORDS: Final = """
select subject_tag, granted, asserted_at, expires_at from consents.words
where tenant = $1 and purpose = $2 and subject_tag = any($3::text[])"""
_POSITIONS: Final = "select partition, position from consents.fence where topic = $1"


class ConsentsBehind(Exception):
    """Words of data subjects are on the topic that nobody has read yet; one may be a withdrawal."""


async def in_force(
    connection: Any, tenant: str, tags: Collection[str], at: datetime, purpose: Purpose
) -> Mapping[str, ConsentState]:
    """Return what is in force of each subject at an instant, by tag."""
    rows = await connection.fetch(_WORDS, tenant, purpose.value, sorted(tags))
    held = {tag: Word(*rest) for tag, *rest in map(tuple, rows)}
    return {tag: state_of(held.get(tag), at) for tag in tags}


async def require_read(connection: Any, bus: Bus) -> None:
    """Return when every word on the consents topic is in the database. Raises `ConsentsBehind`, `BusError`."""
    positions = {row[0]: row[1] or 0 for row in map(tuple, await connection.fetch(_POSITIONS, topics.CONSENTS))}
    for at in sorted(await bus.ends(topics.CONSENTS)):
        async for record in bus.read(TopicPartition(topics.CONSENTS, at), positions.get(at, 0)):
            raise ConsentsBehind(
                f"{topics.CONSENTS}/{at} has records from offset {record.offset} on that `proofwatch run consents` has "
                "not read; one may be a withdrawal. Start it, or wait until it has come up, and try again"
            )
