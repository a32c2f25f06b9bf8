"""Transactions, and verdicts on them, as they lie on their topics: bounded, committed ones only, in no group."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from proofwatch.bus.port import Bus
from proofwatch.bus.records import Outgoing, Record, TopicPartition
from proofwatch.events import codec, topics
from proofwatch.events.cloudevents import Envelope
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Suspicion, Transaction, Verdict
from proofwatch.events.wire import Wire
from proofwatch.runtime.terminal import Advance
from services.triage.core.looking_back import Judged, attempt_of

GROUP: Final = "patterns"  # never joined: only the view of what lies before a position is used
_AT_ONCE: Final = 100


class Read(NamedTuple):
    """What was read; `is_all` False: there is more than was asked for."""

    records: int
    refused: int
    is_all: bool


async def read_past(
    bus: Bus, wire: Wire, since_ms: int, most: int, take: Callable[[Transaction, int], None], advance: Advance
) -> Read:
    """Give each transaction of log time `since_ms` or later to `take`, with its partition; at most so many records.

    Each partition gives an equal share. `advance` is told how far it is. Raises `UnknownTopic`, `BusUnavailable`.
    """
    decode, ends = wire.decoder(codec.TRANSACTION), await bus.ends(topics.TRANSACTIONS)
    share, read, refused, is_all = max(1, most // max(1, len(ends))), 0, 0, True
    for partition, end in sorted(ends.items()):
        place, taken = TopicPartition(topics.TRANSACTIONS, partition), 0
        history = bus.consumer(GROUP, [topics.TRANSACTIONS]).history(place, end)
        async for records in history.since(since_ms):
            await wire.prepare(record.value for record in records)
            for record in records[: share - taken]:
                try:
                    take(_own(decode(record.value), record), partition)
                except Rejected:
                    refused += 1
            is_all, taken = is_all and len(records) <= share - taken, taken + len(records[: share - taken])
            advance(read + taken, None)
            if taken >= share:
                break
        read += taken
    return Read(read, refused, is_all)


async def policies_of(
    bus: Bus, wire: Wire, since_ms: int, wanted: Collection[Judged], advance: Advance
) -> Mapping[Judged, str]:
    """Return the hash of the policy that judged each wanted attempt first, as far as the topic of verdicts has it.

    Verdicts of log time `since_ms` or later are read, until each has one. Raises as `read_past`.
    """
    decode, found, read = wire.decoder(codec.VERDICT), dict[Judged, str](), 0
    missing = set(wanted)
    for partition, end in sorted((await bus.ends(topics.VERDICTS)).items()):
        place = TopicPartition(topics.VERDICTS, partition)
        async for records in bus.consumer(GROUP, [topics.VERDICTS]).history(place, end).since(since_ms):
            await wire.prepare(record.value for record in records)
            for verdict in _readable(decode, records):
                if (judged := attempt_of(verdict)) in missing:
                    missing.discard(judged)
                    found[judged] = verdict.basis.policy_hash
            advance(read := read + len(records), None)
            if not missing:
                return found
    return found


async def open_for_review(bus: Bus, wire: Wire, found: list[tuple[Suspicion, int]], advance: Advance) -> None:
    """Publish suspicions as the scorer does, each in the partition of its transaction; `advance`: how far it is."""
    encode = wire.encoder(codec.SUSPICION)
    headers = Envelope("suspicion", "triage", content_type=wire.content_type).headers
    for first in range(0, len(found), _AT_ONCE):
        await bus.publish(
            [
                Outgoing(
                    topics.SUSPICIONS,
                    f"{each.tenant}/{each.subject_ref}".encode(),
                    encode(each),
                    partition,
                    None,
                    headers(each.suspicion_id, ()),
                )
                for each, partition in found[first : first + _AT_ONCE]
            ]
        )
        advance(min(first + _AT_ONCE, len(found)), len(found))


def _readable(decode: Callable[[bytes | None], Verdict], records: Iterable[Record]) -> Iterator[Verdict]:
    for record in records:
        with suppress(Rejected):
            yield decode(record.value)


def _own(event: Transaction, record: Record) -> Transaction:
    """Return the event. Raises `Rejected` where it lies under another's key."""
    if record.key != f"{event.tenant}/{event.subject_ref}".encode():
        raise Rejected("key_mismatch", "the record's key must be tenant/subject_ref")
    return event
