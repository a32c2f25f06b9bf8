"""What the scorer remembers of one partition beside its subjects' states: duplicates, proofs, step-ups.

All of it can be told again from the log: one horizon of the transactions before the lane's position, and the
compacted step-ups topic.
"""

from collections.abc import Callable

from proofwatch.bus.lanes.lookback import believable, last_timestamp
from proofwatch.bus.port import Batch, History, Record, TopicPartition
from proofwatch.detection.velocity import Proofs
from proofwatch.events.codec import STEP_UP
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import STEP_UPS
from proofwatch.events.wire import Wire
from proofwatch.runtime.clock import Clock
from services.scorer.admission import Decode, admit
from services.scorer.core.books import Books
from services.scorer.core.duplicates import Recent, Seen
from services.scorer.core.step_up import Expiring
from services.scorer.core.times import occurred_ms
from services.scorer.subjects import Log

BooksAt = Callable[[int], Books]
"""Gives what is in force at a log time (milliseconds since the Unix epoch)."""


class MemoryTooShort(Exception):
    """More of the log must be recalled than was: let the lane begin anew."""


class Memory:
    """The memory of one partition: what it holds at `position`, and the batch that was begun there, up to `after`."""

    __slots__ = ("after", "duplicates_ms", "expiring", "partition", "position", "proofs", "recent", "velocity_ms")

    def __init__(self, partition: int, position: int, duplicates_ms: int, velocity_ms: int) -> None:
        """`duplicates_ms`, `velocity_ms`: how much log time to hold."""
        self.partition, self.position, self.after = partition, position, position
        self.duplicates_ms, self.velocity_ms = duplicates_ms, velocity_ms
        self.recent, self.proofs, self.expiring = Recent(duplicates_ms), Proofs(velocity_ms), Expiring()

    def reaches(self, books: Books) -> bool:
        """Return whether the memory is long enough for `books`."""
        return self.duplicates_ms >= books.duplicates_ms and self.velocity_ms >= books.velocity_ms

    def good_at(self, position: int) -> bool:
        """Return whether a lane may go on at `position`: before or behind the last batch. Step-ups are told anew."""
        return position in (self.position, self.after)

    def begin(self, batch: Batch, first_ms: int) -> None:
        """Begin a batch, or begin the last one anew: what was seen since is forgotten."""
        self.recent.begin(batch.position_before, first_ms)
        self.proofs.begin(batch.position_before, first_ms)
        self.expiring.begin(batch.position_before)
        self.position, self.after = batch.position_before, batch.position_after


async def told(log: Log, partition: int, wire: Wire) -> Expiring:
    """Return the step-ups of a partition as the step-ups topic tells them; it is compacted, so there are few."""
    expiring, decode = Expiring(), wire.decoder(STEP_UP)
    records = [record async for record in log.read(TopicPartition(STEP_UPS, partition))]
    await wire.prepare(record.value for record in records)
    for record in records:
        if record.key is not None and record.value is not None:
            expiring.read(record.key, decode(record.value))
    return expiring


async def recalled(
    partition: int,
    position: int,
    history: History,
    longest: tuple[int, int],
    books_at: BooksAt,
    decode: Decode,
    clock: Clock,
    ahead_ms: int,
) -> Memory:
    """Return the memory of a partition as it is at `position`, but for the step-ups.

    `longest`: at least so many milliseconds of duplicates and of velocity. The records to come are not older than the
    last one before them, so one horizon of proofs before that one is enough, however far the lane lags behind the
    clock, and before it one of duplicates, to tell which of these proofs were repeats. `ahead_ms`: what is stamped
    further ahead of the clock was refused.
    """
    now_ms = clock.now_ms()
    last_ms = await last_timestamp(history, now_ms, ahead_ms) if position else None
    if last_ms is None:
        return Memory(partition, position, *longest)
    books = books_at(last_ms)
    duplicates_ms, velocity_ms = max(longest[0], books.duplicates_ms), max(longest[1], books.velocity_ms)
    memory = Memory(partition, position, duplicates_ms, velocity_ms)
    async for log_records in history.since(max(last_ms - duplicates_ms - velocity_ms, 0)):
        records = believable(log_records, now_ms, ahead_ms)
        if not records:
            continue
        memory.recent.begin(records[0].offset, records[0].timestamp_ms)
        memory.proofs.begin(records[0].offset, records[0].timestamp_ms)
        for record in records:
            if not books.from_ms <= record.timestamp_ms < books.until_ms:
                books = books_at(record.timestamp_ms)
            _recall(memory, record, books, decode)
    return memory


def _recall(memory: Memory, record: Record, books: Books, decode: Decode) -> None:
    try:
        event, key, value, book = admit(record, books, decode)
    except Rejected:
        return  # it was dead-lettered in its turn
    rulebook, logged_ms, at_ms = book.rulebook, record.timestamp_ms, occurred_ms(event)
    seen = Seen.FIRST
    if rulebook.horizon_ms:
        tenant, transaction_id, attempt_id = event.tenant, event.transaction_id, event.attempt_id
        seen = memory.recent.see(logged_ms, at_ms, tenant, transaction_id, attempt_id, key, value, rulebook.horizon_ms)
    if seen is not Seen.REPEATED and rulebook.velocity:
        memory.proofs.see(logged_ms, key, at_ms)
