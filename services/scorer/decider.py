"""From the records of one batch to everything that follows from them; nothing in here waits for anything."""

from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

import msgspec

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.port import Batch, Outgoing, Record, new_outgoing
from proofwatch.detection.suspicions import velocity
from proofwatch.detection.velocity import crossings
from proofwatch.events.codec import TransactionCodec
from proofwatch.events.mending import MENDED
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import SubjectState, Transaction
from proofwatch.events.wire import Wire
from services.scorer.admission import admit
from services.scorer.core.attempts import CLEAN, named
from services.scorer.core.books import Book, Books
from services.scorer.core.conclude import Found, agreed, conclude
from services.scorer.core.duplicates import Seen
from services.scorer.core.effects import guidance, verdict
from services.scorer.core.rules import Judgement, judge
from services.scorer.core.sampling import Sampler, label_request
from services.scorer.core.step_up import off_record
from services.scorer.core.subject import NOTHING
from services.scorer.core.times import occurred_ms
from services.scorer.emitter import Emitter
from services.scorer.memory import BooksAt, Memory
from services.scorer.ports import BatchCounts

STAGE: Final = "scorer"

States = dict[bytes, SubjectState]

_PART: Final = 256
"""So many outputs are made before they are handed on: few enough to stay in the processor's cache."""

_STAMP: Final = attrgetter("timestamp_ms")
CONFLICT: Final = (
    "$.transaction_id: was seen with another payload within the policy's duplicate horizon; a further attempt is of "
    "the same subject and has a later occurred_at or an attempt_id of its own; send a repeat byte for byte"
)


class Decider:
    """Takes records in order, each through everything while it is in the processor's cache."""

    def __init__(self, wire: Wire, emitter: Emitter, label_sample_key: bytes | None) -> None:
        self._codec = TransactionCodec()  # its own, so that what it puts right is of the batch in hand
        self._decode = wire.decoder(self._codec)
        self._emitter = emitter
        self._sample_key = label_sample_key
        self._samplers: dict[float, Sampler | None] = {}

    def decide(  # noqa: C901 - a call for each record would cost as much as its duplicate check
        self, batch: Batch, memory: Memory, books_at: BooksAt, states: States, changes: States
    ) -> Generator[list[Outgoing], None, BatchCounts]:
        """Yield what follows from the records of `batch`, part by part; update `memory`, `states` and `changes`.

        Returns what became of the records.

        `books_at` gives what is in force at a log time, and may raise.
        """
        source, partition, first_ms = batch.source, batch.source.partition, min(map(_STAMP, batch.records))
        books = books_at(first_ms)
        memory.begin(batch, first_ms)
        soon = _soon(first_ms, books)
        decode, see, prove, first = self._decode, memory.recent.see, memory.proofs.see, Seen.FIRST
        clean, patterns, sampled = CLEAN.failures, books.patterns or None, self._sample_key is not None
        topic, encode, headers, identify = self._emitter.verdict
        outputs: list[Outgoing] = []
        append = outputs.append
        deduplicated = dead_lettered = 0
        mended = self._codec.mended = Counter()
        for record in batch.records:
            if len(outputs) >= _PART:
                yield outputs
                outputs = []
                append = outputs.append
                self._codec.mended = mended  # another partition's batch may have been in hand meanwhile
            _, timestamp_ms, _, _, incoming = record
            if not books.from_ms <= timestamp_ms < books.until_ms:
                books = books_at(timestamp_ms)
                soon, patterns = min(soon, _soon(first_ms, books)), books.patterns or None
            try:
                event, key, value, book = admit(record, books, decode, soon)
                rulebook = book.rulebook
                horizon_ms, velocity_rules = rulebook.horizon_ms, rulebook.velocity
                if horizon_ms or velocity_rules:
                    at_ms = occurred_ms(event)
                if horizon_ms:
                    tenant, transaction_id, attempt_id = event.tenant, event.transaction_id, event.attempt_id
                    seen = see(timestamp_ms, at_ms, tenant, transaction_id, attempt_id, key, value, horizon_ms)
                    if seen is not first:
                        if seen is Seen.REPEATED:
                            deduplicated += 1
                            continue
                        event = self._again(seen, outputs, record, event, key, book, memory, states, changes)
            except Rejected as error:
                append(dead_letter(record, source, STAGE, error.reason, error.message))
                dead_lettered += 1
                continue
            times = None
            if velocity_rules:
                times = prove(timestamp_ms, key, at_ms, rulebook.velocity_least)
            # Nearly every transaction is accepted, of a clean subject, and has nothing about it: a verdict is all.
            if (
                key not in states
                and not (times and crossings(times, at_ms, velocity_rules))
                and not (patterns and patterns.matches(event))
            ):
                judgement = judge(event, rulebook, clean)
                if not judgement.failed and not (
                    (book.alarms or book.shadows or (sampled and rulebook.label_sample))
                    and self._more(event, judgement, book)
                ):
                    decision = encode(verdict(event, judgement, book.clean))
                    names = headers(identify(event), incoming)
                    append(new_outgoing((topic, key, decision, partition, timestamp_ms, names)))
                    continue
            outputs += self._conclude(record, event, key, book, books, memory, times, states, changes)
        yield outputs
        MENDED.update({("transaction", field): count for field, count in mended.items()})
        consumed = len(batch.records)
        return BatchCounts(
            source,
            batch.position_before,
            batch.position_after,
            consumed=consumed,
            decided=consumed - deduplicated - dead_lettered,
            deduplicated=deduplicated,
            dead_lettered=dead_lettered,
            mended=mended,
        )

    def _again(
        self,
        seen: Seen,
        outputs: list[Outgoing],
        record: Record,
        event: Transaction,
        key: bytes,
        book: Book,
        memory: Memory,
        states: States,
        changes: States,
    ) -> Transaction:
        """Return the event of a further attempt under its name. Raises `Rejected` for a conflict.

        A conflict counts as a proof of its subject: one too many raises a suspicion.
        """
        event = named(event)
        if seen is Seen.FURTHER:
            return event
        rulebook, at_ms, logged_ms = book.rulebook, occurred_ms(event), record.timestamp_ms
        times = memory.proofs.see(logged_ms, key, at_ms, rulebook.velocity_least) if rulebook.velocity else None
        crossed = crossings(times, at_ms, rulebook.velocity) if times else ()
        if crossed:
            before = states.get(key, NOTHING)
            states[key] = changes[key] = msgspec.structs.replace(before, offset=record.offset, flagged_ms=logged_ms)
        for each in crossed:
            raised = velocity(event, "subject_velocity", each, rulebook.policy_hash)
            outputs.append(self._emitter.record(raised, key, memory.partition, logged_ms, record.headers))
        raise Rejected("conflicting_duplicate", CONFLICT)

    def lapsed(self, memory: Memory, log_ms: int) -> list[Outgoing]:
        """Return the off records of users whose step-up has ended by `log_ms` and who did not come back."""
        emit, partition = self._emitter.record, memory.partition
        return [emit(off_record(key, mfa), key, partition, mfa.until_ms) for key, mfa in memory.expiring.due(log_ms)]

    def _more(self, event: Transaction, judgement: Judgement, book: Book) -> bool:
        """Return whether more follows from an accepted transaction than its verdict, because of its book."""
        return bool(
            book.alarms
            or (book.shadows and not agreed(event, judgement, book.shadows))
            or self._probability(event, book) > 0
        )

    def _conclude(
        self,
        record: Record,
        event: Transaction,
        key: bytes,
        book: Book,
        books: Books,
        memory: Memory,
        times: list[int] | None,
        states: States,
        changes: States,
    ) -> list[Outgoing]:
        """Return everything that follows from a transaction; update `states`, `changes` and the step-ups."""
        offset, timestamp_ms = record.offset, record.timestamp_ms
        before, told = states.get(key, NOTHING), memory.expiring.get(key)
        found = Found(offset, timestamp_ms, occurred_ms(event), times, books.patterns.matches(event), told)
        concluded = conclude(event, found, before, book)
        if concluded.state is not before:
            states[key] = changes[key] = concluded.state
        if concluded.mfa is not told:
            memory.expiring.put(key, concluded.mfa)
        event, judgement, basis, mfa = concluded.event, concluded.judgement, concluded.basis, concluded.mfa
        effects: list[msgspec.Struct] = [verdict(event, judgement, basis)]
        if judgement.failed or mfa:
            effects.append(guidance(event, judgement, book.rulebook, basis, mfa))
        effects += [*concluded.suspicions, *concluded.step_ups, *concluded.shadows]
        probability = self._probability(event, book)
        if probability:
            effects.append(label_request(event, probability))
        emit, partition = self._emitter.record, memory.partition
        return [emit(each, key, partition, timestamp_ms, record.headers) for each in effects]

    def _probability(self, event: Transaction, book: Book) -> float:
        """Return the probability with which the transaction was chosen for the label sample; 0: it was not."""
        share = book.rulebook.label_sample
        if not share or not self._sample_key:
            return 0
        if share not in self._samplers:
            self._samplers[share] = Sampler(self._sample_key, share)
        sampler = self._samplers[share]
        return sampler.probability if sampler and sampler.chooses(event.tenant, event.transaction_id) else 0


def _soon(first_ms: int, books: Books) -> datetime:
    """Return a time that no policy takes to be ahead of a record appended at `first_ms` or later."""
    return datetime.fromtimestamp((first_ms + books.ahead_ms) / 1000, UTC)
