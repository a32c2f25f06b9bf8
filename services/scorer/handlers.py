"""The scorer's stage: wait for governance, load subjects, decide, hand over what changed."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Final

from proofwatch.bus.lazy_outputs import Drawn
from proofwatch.bus.port import Batch, History, Outgoing, TopicPartition
from proofwatch.bus.wrappers.timely import AHEAD_MS
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from proofwatch.runtime.clock import Clock
from services.scorer.core.books import Books, Rulebooks
from services.scorer.decider import STAGE, Decider, States
from services.scorer.emitter import Emitter
from services.scorer.memory import BooksAt, Memory, MemoryTooShort, recalled, told
from services.scorer.ports import Governance, Observer, Subjects
from services.scorer.subjects import Log, SubjectKeeper

__all__ = ["STAGE", "ScorerStage"]

_AGAIN_S: Final = 0.05


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
        cloud_events: bool = True,
        observer: Observer | None = None,
        ahead_ms: int = AHEAD_MS,
    ) -> None:
        """`policy` decides where governance has put none in force; `clock` only says where to begin looking back.

        `label_sample_key`: what transactions are chosen by whose labels upstream is asked for; None: none are.
        `cloud_events`: whether outputs carry CloudEvents headers. `observer` is told what became of each batch.
        `ahead_ms`: looking back believes no timestamp further ahead of the clock.
        """
        self._log = log
        self._keeper = SubjectKeeper(log, store)
        self._governance = governance
        self._policy = policy
        self._clock = clock
        self._observer = observer
        self._ahead_ms = ahead_ms
        self._rulebooks = Rulebooks()
        self._books = Books(governance.at(0), 0, policy, self._rulebooks)
        self._memory: dict[TopicPartition, Memory] = {}
        self._wire = wire
        self._decode = wire.decoder(TRANSACTION)
        self._decider = Decider(wire, Emitter(wire, cloud_events=cloud_events), label_sample_key)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Bring back what the partition's memory holds at `position`, and its subjects."""
        memory, longest = self._memory.pop(source, None), (self._books.duplicates_ms, self._books.velocity_ms)
        if memory is None or not memory.good_at(position) or not memory.reaches(self._books):
            memory = await recalled(
                source.partition,
                position,
                history,
                longest,
                self._books_at,
                self._decode,
                self._clock,
                self._ahead_ms,
            )
        memory.expiring = await told(self._log, source.partition, self._wire)
        await self._keeper.opened(source, position)
        self._memory[source] = memory

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._memory.pop(source, None)
        self._keeper.closed(source)

    async def note(self) -> None:
        """Note how far the subjects topic has come; now and then, so that a later catch-up has less to read."""
        await self._keeper.look()

    async def step(self, batch: Batch, tx: None) -> Iterable[Outgoing]:
        """Return what follows from the batch. Raises `SubjectsUnavailable`, `SubjectsBehind`: nothing is decided."""
        memory, log_ms = self._memory[batch.source], batch.progress_ms
        if log_ms is not None:
            await self._governed(log_ms)
        # The keys are known without decoding, so one look at each event suffices.
        states = await self._keeper.load(batch, {record.key for record in batch.records if record.key})
        if batch.records:
            return Drawn(self._deciding(batch, memory, states))
        return [] if log_ms is None else self._decider.lapsed(memory, log_ms)

    def _deciding(self, batch: Batch, memory: Memory, states: States) -> Iterator[list[Outgoing]]:
        """Yield what follows from the batch, bit by bit, and at the end what its subjects are then."""
        changes = States()
        counts = yield from self._decider.decide(batch, memory, self._reaching(memory), states, changes)
        if self._observer:
            self._observer(counts)
        if batch.progress_ms is not None and len(memory.expiring):
            yield self._decider.lapsed(memory, batch.progress_ms)
        if changes:
            yield self._keeper.changed(batch, changes)

    async def _governed(self, log_ms: int) -> None:
        """Wait until everything that is in force at `log_ms` is known; the lane gives up when it takes too long."""
        while not self._governance.knows(log_ms):  # noqa: ASYNC110 - governance is polled as well
            await asyncio.sleep(_AGAIN_S)

    def _books_at(self, log_ms: int) -> Books:
        regime, books = self._governance.at(log_ms), self._books
        if regime is not books.regime or not books.from_ms <= log_ms < books.until_ms:
            books = self._books = Books(regime, log_ms, self._policy, self._rulebooks)
        return books

    def _reaching(self, memory: Memory) -> BooksAt:
        """Return how to get books that `memory` is long enough for; raises `MemoryTooShort`: the lane begins anew."""

        def books_at(log_ms: int) -> Books:
            books = self._books_at(log_ms)
            if not memory.reaches(books):
                raise MemoryTooShort("a policy with a longer horizon came into force: recalling more of the log")
            return books

        return books_at
