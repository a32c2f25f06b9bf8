"""States of subjects that cannot be read, and what takes their place.

A record of the subjects topic that no release can read blocks its partition: deciding without the state would forget
failures in silence. An operator may decide so: then the newest state of that subject which can be read is written
again, or a tombstone where compaction has left none. What the subject did in between is forgotten.

The writer is the partition's owner: it acquires the scorer's own fence, which shuts the scorer's lane out and aborts
what that has open, reads behind it, and commits without moving the position. A lane that acquires the fence meanwhile
shuts the repair out, and nothing is written.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, Record, Rejection, TopicPartition
from proofwatch.bus.writes import commit_writes
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import SUBJECTS, TRANSACTIONS
from services.scorer.core.subject import decode

GROUP: Final = "scorer"
REPAIR: Final = "proofwatch.repair."
"""Begins the names of the headers of what was written: `offset` (of the bad record), `operator`, `note`, `at`."""


@dataclass(frozen=True)
class Order:
    """Who repairs, and why."""

    operator: str
    note: str


class Unreadable(NamedTuple):
    """The newest record of a subject, which cannot be read, and the newest one before it that can."""

    record: Record
    error: Rejected
    before: Record | None

    @property
    def of_newer_release(self) -> bool:
        """Whether a newer release may be able to read it: then it is none to repair."""
        return self.error.reason == "unknown_schema_version"


async def unreadable(bus: Bus, partition: int) -> list[Unreadable]:
    """Return what blocks the partition, by offset. PartitionMemory: one record for each subject that has a bad one.

    Reads the partition twice, for the second time only if there is something. Raises `UnknownTopic`.
    """
    at, bad = TopicPartition(SUBJECTS, partition), dict[bytes, tuple[Record, Rejected]]()
    async for record in bus.read(at):
        if record.key is None:
            continue
        bad.pop(record.key, None)
        if (error := _error(record)) is not None:
            bad[record.key] = record, error
    before: dict[bytes, Record] = {}
    if bad:
        async for record in bus.read(at):
            if record.key in bad and record.offset < bad[record.key][0].offset and _error(record) is None:
                before[record.key] = record
    found = [Unreadable(record, error, before.get(key)) for key, (record, error) in bad.items()]
    return sorted(found, key=lambda each: each.record.offset)


async def repair(bus: Bus, partition: int, order: Order, now_ms: int) -> list[Unreadable]:
    """Make the partition readable again, all or nothing; return what was replaced.

    What a newer release may be able to read is left alone. The bad bytes go to the dead-letter topic. Raises `Fenced`
    when the scorer has acquired the partition meanwhile, `BusError`; nothing is written then.
    """
    source = TopicPartition(TRANSACTIONS, partition)
    owner = await bus.fence(GROUP).acquire(source)
    try:
        found = [each for each in await unreadable(bus, partition) if not each.of_newer_release]
        outputs = [output for each in found for output in _outputs(each, partition, order, now_ms)]
        if outputs:
            await commit_writes(owner, source, outputs, now_ms)
        return found
    finally:
        await owner.close()


def _outputs(bad: Unreadable, partition: int, order: Order, now_ms: int) -> tuple[Outgoing, Outgoing]:
    record, error, before = bad
    at = TopicPartition(SUBJECTS, partition)
    said = {
        "offset": str(record.offset),
        "operator": order.operator,
        "note": order.note,
        "at": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(),
    }
    headers = tuple((REPAIR + name, value.encode()) for name, value in said.items())
    letter = dead_letter(Rejection.of(record, error), at, GROUP)
    return (
        letter._replace(headers=(*headers, *letter.headers)),
        Outgoing(SUBJECTS, record.key, before and before.value, partition, None, headers),
    )


def _error(record: Record) -> Rejected | None:
    if record.value is None:
        return None
    try:
        decode(record.value)
    except Rejected as error:
        return error
    return None
