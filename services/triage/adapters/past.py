"""Transactions, and verdicts on them, as they lie on their topics: bounded, committed ones only, in no group."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
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


class Judgement(NamedTuple):
    """What a verdict says of an attempt."""

    policy_hash: str
    decision: str


class Portion(NamedTuple):
    """Transactions that were read, each with its partition; `read`: what was by then; `share` of the topic, 0 to 1."""

    events: Sequence[tuple[Transaction, int]]
    read: Read
    share: float


async def portions(bus: Bus, wire: Wire, since_ms: int, most: int, at_once: int = 2_000) -> AsyncIterator[Portion]:
    """Yield the transactions of log time `since_ms` or later, at most so many records, `at_once` of them at a time.

    Each partition gives an equal share. Raises `UnknownTopic`, `BusUnavailable`.
    """
    decode, ends = wire.decoder(codec.TRANSACTION), await bus.ends(topics.TRANSACTIONS)
    each_gives, told = max(1, most // max(1, len(ends))), Read(0, 0, True)
    for number, (partition, end) in enumerate(sorted(ends.items())):
        place, taken, first = TopicPartition(topics.TRANSACTIONS, partition), 0, None
        history = bus.consumer(GROUP, [topics.TRANSACTIONS]).history(place, end)
        async for records in history.since(since_ms):
            await wire.prepare(record.value for record in records)
            first = records[0].offset if first is None and records else first
            some, taken = records[: each_gives - taken], taken + min(len(records), each_gives - taken)
            told = told._replace(is_all=told.is_all and len(some) == len(records))
            for begin in range(0, len(some), at_once):
                part = some[begin : begin + at_once]
                events = list(_transactions(decode, part, partition))
                told = Read(told.records + len(part), told.refused + len(part) - len(events), told.is_all)
                done = (part[-1].offset + 1 - (first or 0)) / max(1, end - (first or 0))
                yield Portion(events, told, (number + min(1.0, done)) / len(ends))
            if taken >= each_gives:
                break
    yield Portion((), told, 1.0)


async def read_past(
    bus: Bus, wire: Wire, since_ms: int, most: int, take: Callable[[Transaction, int], None], advance: Advance
) -> Read:
    """Give each transaction of `portions` to `take`, with its partition. `advance` is told how far it is."""
    read = Read(0, 0, True)
    async for portion in portions(bus, wire, since_ms, most):
        for event, partition in portion.events:
            take(event, partition)
        advance((read := portion.read).records, None)
    return read


async def verdicts_of(
    bus: Bus, wire: Wire, since_ms: int, wanted: Collection[Judged], advance: Advance
) -> Mapping[Judged, Judgement]:
    """Return the verdict that each wanted attempt had first, as far as the topic of verdicts has it.

    Verdicts of log time `since_ms` or later are read, until each has one. Raises as `read_past`.
    """
    decode, found, read = wire.decoder(codec.VERDICT), dict[Judged, Judgement](), 0
    missing = set(wanted)
    for partition, end in sorted((await bus.ends(topics.VERDICTS)).items()):
        place = TopicPartition(topics.VERDICTS, partition)
        async for records in bus.consumer(GROUP, [topics.VERDICTS]).history(place, end).since(since_ms):
            if not missing:
                return found
            await wire.prepare(record.value for record in records)
            for verdict in _readable(decode, records):
                if (judged := attempt_of(verdict)) in missing:
                    missing.discard(judged)
                    found[judged] = Judgement(verdict.basis.policy_hash, verdict.decision)
            advance(read := read + len(records), None)
    return found


async def policies_of(
    bus: Bus, wire: Wire, since_ms: int, wanted: Collection[Judged], advance: Advance
) -> Mapping[Judged, str]:
    """Return the hash of the policy that judged each wanted attempt first, as `verdicts_of` has them."""
    found = await verdicts_of(bus, wire, since_ms, wanted, advance)
    return {judged: each.policy_hash for judged, each in found.items()}


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


def _transactions(
    decode: Callable[[bytes | None], Transaction], records: Iterable[Record], partition: int
) -> Iterator[tuple[Transaction, int]]:
    for record in records:
        with suppress(Rejected):
            yield _own(decode(record.value), record), partition


def _own(event: Transaction, record: Record) -> Transaction:
    """Return the event. Raises `Rejected` where it lies under another's key."""
    if record.key != f"{event.tenant}/{event.subject_ref}".encode():
        raise Rejected("key_mismatch", "the record's key must be tenant/subject_ref")
    return event
