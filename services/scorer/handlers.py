"""The scorer's stage: load subjects; admit, tell duplicates, judge and encode in order; hand over what changed."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Final

from proofwatch.bus.dead_letter import dead_letter
from proofwatch.bus.port import Batch, History, Outgoing, Record, TopicPartition
from proofwatch.detection.velocity import crossings
from proofwatch.events import topics
from proofwatch.events.codec import GUIDANCE, LABEL_REQUEST, SHADOW, STEP_UP, SUSPICION, TRANSACTION, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import SubjectState, Transaction
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from proofwatch.runtime.clock import Clock
from services.scorer.admission import admit
from services.scorer.core.attempts import CLEAN
from services.scorer.core.books import Book, Books, Rulebooks
from services.scorer.core.conclude import Found, agreed, conclude
from services.scorer.core.duplicates import Seen
from services.scorer.core.effects import guidance, verdict
from services.scorer.core.rules import judge
from services.scorer.core.sampling import Sampler, label_request
from services.scorer.core.step_up import off_record
from services.scorer.core.subject import NOTHING
from services.scorer.core.times import occurred_ms
from services.scorer.memory import Memory, MemoryTooShort, recalled, told
from services.scorer.ports import BatchCounts, Governance, Observer, Subjects
from services.scorer.subjects import Log, SubjectKeeper

STAGE: Final = "scorer"

States = dict[bytes, SubjectState]

_AGAIN_S: Final = 0.05
_STAMP: Final = attrgetter("timestamp_ms")
_CONFLICT: Final = (
    "$.transaction_id: was seen with another payload within the policy's duplicate horizon; "
    "give every transaction an id of its own, and send a repeat byte for byte"
)


class ScorerStage:
    """Turns transactions into verdicts, guidance and suspicions; a `Stage[None]` for a lane on the bus.

    What it says is a function of the log and of what governance has put in force: the same records give the same
    bytes, however the log is cut into batches and however often one is seen.
    """

    def __init__(
        self,
        log: Log,
        store: Subjects,
        governance: Governance,
        policy: Policy,
        clock: Clock,
        *,
        wire: Wire = JSON,
        label_sample_key: bytes | None = None,
        observer: Observer | None = None,
    ) -> None:
        """`policy` decides where governance has put none in force; `clock` only says where to begin looking back.

        `label_sample_key`: what transactions are chosen by whose labels upstream is asked for; None: none are.
        `observer` is told what became of each batch.
        """
        self._log = log
        self._keeper = SubjectKeeper(log, store)
        self._governance = governance
        self._policy = policy
        self._clock = clock
        self._sample_key = label_sample_key
        self._observer = observer
        self._samplers: dict[float, Sampler | None] = {}
        self._rulebooks = Rulebooks()
        self._books = Books(governance.at(0), 0, policy, self._rulebooks)
        self._memory: dict[TopicPartition, Memory] = {}
        self._decode = wire.decoder(TRANSACTION)
        self._verdict, self._guidance = wire.encoder(VERDICT), wire.encoder(GUIDANCE)
        self._suspicion, self._step_up = wire.encoder(SUSPICION), wire.encoder(STEP_UP)
        self._shadow, self._label_request = wire.encoder(SHADOW), wire.encoder(LABEL_REQUEST)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Bring back what the partition's memory holds at `position`, and its subjects."""
        memory = self._memory.get(source)
        if memory is None or not memory.good_at(position) or not memory.reaches(self._books):
            longest = (self._books.duplicates_ms, self._books.velocity_ms)
            memory = await recalled(
                source.partition, position, history, longest, self._books_at, self._decode, self._clock
            )
        memory.expiring = await told(self._log, source.partition)
        self._memory[source] = memory
        await self._keeper.opened(source, position)

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._memory.pop(source, None)
        self._keeper.closed(source)

    async def note(self) -> None:
        """Note how far the subjects topic has come; now and then, so that a later catch-up has less to read."""
        await self._keeper.look()

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return what follows from the batch. Raises `SubjectsUnavailable`, `SubjectsBehind`: nothing is decided."""
        records, memory = batch.records, self._memory[batch.source]
        if batch.progress_ms is not None:
            await self._governed(batch.progress_ms)
        states = await self._keeper.load(batch, {record.key for record in records if record.key})
        changes: States = {}
        outputs: list[Outgoing] = []
        if records:
            first_ms = min(map(_STAMP, records))
            memory.begin(batch, first_ms)
            outputs, counts = self._work(batch, memory, first_ms, states, changes)
            if self._observer:
                self._observer(counts)
        if batch.progress_ms is not None and len(memory.expiring):
            outputs += self._lapsed(batch, memory)
        if changes:
            outputs += self._keeper.changed(batch, changes)
        return outputs

    async def _governed(self, log_ms: int) -> None:
        """Wait until everything that is in force at `log_ms` is known; the lane gives up when it takes too long."""
        while not self._governance.knows(log_ms):  # noqa: ASYNC110 - governance is polled as well
            await asyncio.sleep(_AGAIN_S)

    def _books_at(self, log_ms: int) -> Books:
        regime, books = self._governance.at(log_ms), self._books
        if regime is not books.regime or not books.from_ms <= log_ms < books.until_ms:
            books = self._books = Books(regime, log_ms, self._policy, self._rulebooks)
        return books

    def _work(
        self, batch: Batch, memory: Memory, first_ms: int, states: States, changes: States
    ) -> tuple[list[Outgoing], BatchCounts]:
        """Take the records in order, each through everything while it is in the processor's cache.

        Updates `states` and `changes`.
        """
        source, partition = batch.source, batch.source.partition
        books = self._reaching(memory, first_ms)
        soon = datetime.fromtimestamp((first_ms + books.ahead_ms) / 1000, UTC)
        decode, encode, see, prove, first = (
            self._decode,
            self._verdict,
            memory.recent.see,
            memory.proofs.see,
            Seen.FIRST,
        )
        clean, topic, none = CLEAN.failures, topics.VERDICTS, ()
        outputs: list[Outgoing] = []
        append = outputs.append
        decided = deduplicated = dead_lettered = 0
        for record in batch.records:
            timestamp_ms = record[1]
            if not books.from_ms <= timestamp_ms < books.until_ms:
                books = self._reaching(memory, timestamp_ms)
                soon = min(soon, datetime.fromtimestamp((first_ms + books.ahead_ms) / 1000, UTC))
            try:
                event, key, value, book = admit(record, books, decode, soon)
            except Rejected as error:
                append(dead_letter(record, source, STAGE, error.reason, error.message))
                dead_lettered += 1
                continue
            rulebook = book.rulebook
            seen = see(timestamp_ms, event.tenant, event.transaction_id, value, rulebook.horizon_ms)
            if seen is not first:
                if seen is Seen.REPEATED:
                    deduplicated += 1
                else:
                    append(dead_letter(record, source, STAGE, "conflicting_duplicate", _CONFLICT))
                    dead_lettered += 1
                continue
            decided += 1
            times = prove(timestamp_ms, key, occurred_ms(event)) if rulebook.velocity else None
            if key not in states and not self._striking(event, book, books, times):
                judgement = judge(event, rulebook, clean)
                if not judgement.failed and (not book.shadows or agreed(event, judgement, book.shadows)):
                    append(
                        Outgoing(
                            topic, key, encode(verdict(event, judgement, book.clean)), partition, timestamp_ms, none
                        )
                    )
                    continue
            outputs += self._conclude(record, event, key, book, books, memory, times, states, changes)
        return outputs, BatchCounts(
            source,
            batch.position_before,
            batch.position_after,
            consumed=len(batch.records),
            decided=decided,
            deduplicated=deduplicated,
            dead_lettered=dead_lettered,
        )

    def _striking(self, event: Transaction, book: Book, books: Books, times: list[int] | None) -> bool:
        """Return whether there is more to say about an accepted transaction of a clean subject than its verdict."""
        if book.alarms or (times and crossings(times, occurred_ms(event), book.rulebook.velocity)):
            return True
        if books.patterns and books.patterns.matches(event):
            return True
        sampler = self._sampler(book.rulebook.label_sample)
        return sampler is not None and sampler.chooses(event.tenant, event.transaction_id)

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
        judgement, basis, mfa = concluded.judgement, concluded.basis, concluded.mfa
        effects = [(topics.VERDICTS, self._verdict(verdict(event, judgement, basis)))]
        if judgement.failed or mfa:
            advice = guidance(event, judgement, book.rulebook, basis, mfa)
            effects.append((topics.GUIDANCE, self._guidance(advice)))
        effects += [(topics.SUSPICIONS, self._suspicion(each)) for each in concluded.suspicions]
        effects += [(topics.STEP_UPS, self._step_up(each)) for each in concluded.step_ups]
        effects += [(topics.SHADOWS, self._shadow(each)) for each in concluded.shadows]
        sampler = self._sampler(book.rulebook.label_sample)
        if sampler is not None and sampler.chooses(event.tenant, event.transaction_id):
            effects.append((topics.LABEL_REQUESTS, self._label_request(label_request(event, sampler.probability))))
        return [Outgoing(topic, key, value, memory.partition, timestamp_ms) for topic, value in effects]

    def _lapsed(self, batch: Batch, memory: Memory) -> list[Outgoing]:
        """Return the off records of users whose step-up has ended and who did not come back."""
        assert batch.progress_ms is not None
        return [
            Outgoing(topics.STEP_UPS, key, self._step_up(off_record(key, mfa)), batch.source.partition, mfa.until_ms)
            for key, mfa in memory.expiring.due(batch.progress_ms)
        ]

    def _sampler(self, share: float) -> Sampler | None:
        if share not in self._samplers:
            self._samplers[share] = Sampler(self._sample_key, share) if self._sample_key and share else None
        return self._samplers[share]

    def _reaching(self, memory: Memory, log_ms: int) -> Books:
        """Return the books of `log_ms`. Raises `MemoryTooShort`: then the lane begins anew and recalls more."""
        books = self._books_at(log_ms)
        if not memory.reaches(books):
            raise MemoryTooShort("a policy with a longer horizon came into force: recalling more of the log")
        return books
