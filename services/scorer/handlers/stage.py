"""The scorer's stage: wait for governance, load subjects, decide, hand over what changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from operator import itemgetter
from typing import Final

from proofwatch.bus.lazy_outputs import LazyOutputs
from proofwatch.bus.records import Batch, Output, Part, Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.bus.wrappers.timely import AHEAD_MS
from proofwatch.events.codec import TRANSACTION
from proofwatch.events.mending import MENDED
from proofwatch.events.wire import JSON, Wire
from proofwatch.governance.policy import Policy
from proofwatch.runtime.clock import Clock
from services.scorer.core.effective_policies import CompiledPolicies, EffectivePolicies, PoliciesAt
from services.scorer.core.erased import ErasedPeople
from services.scorer.core.event_records import EventRecords
from services.scorer.core.partition_memory import PartitionMemory
from services.scorer.core.pipeline import Known, Pipeline, States
from services.scorer.handlers.recall import MemoryTooShort, read_step_ups, recall_memory
from services.scorer.handlers.subject_states import Log, SubjectStates
from services.scorer.ports import Governance, Observer, Subjects

_AGAIN_S: Final = 0.05
_KEY: Final = itemgetter(Record._fields.index("key"))


class ScorerStage:
    """Turns transactions into verdicts, guidance and suspicions; a `Stage[None]` for a lane on the bus.

    What it says is a function of the log and of what governance has put in force: the same records give the same
    bytes, however the log is cut into batches and however often one is seen. Only what comes late of somebody who was
    erased depends on whether that is known by then.
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
        erased: ErasedPeople | None = None,
        learn: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`policy` decides where governance has put none in force; `clock` only says where to begin looking back.

        `label_sample_key`: what transactions are chosen by whose labels upstream is asked for; None: none are.
        `cloud_events`: whether outputs carry CloudEvents headers. `observer` is told what became of each batch.
        `ahead_ms`: looking back believes no timestamp further ahead of the clock. `erased`: what happened before leaves
        nothing behind of them; None: nobody can have been.
        """
        self._log = log
        self._subjects = SubjectStates(log, store)
        self._governance = governance
        self._policy = policy
        self._clock = clock
        self._observer = observer
        self._ahead_ms = ahead_ms
        self._learn = learn
        self._compiled = CompiledPolicies()
        self._policies = EffectivePolicies(governance.at(0), 0, policy, self._compiled)
        self._memory: dict[TopicPartition, PartitionMemory] = {}
        self._wire = wire
        self._decode = wire.decoder(TRANSACTION)
        records = EventRecords(wire, cloud_events=cloud_events)
        self._pipeline = Pipeline(wire, records, label_sample_key, *([erased.late] if erased else []))

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Know who was erased by now; bring back what the partition's memory holds at `position`, and its subjects."""
        if self._learn:
            await self._learn()
        memory, longest = self._memory.pop(source, None), (self._policies.duplicates_ms, self._policies.velocity_ms)
        if memory is None or not memory.good_at(position) or not memory.reaches(self._policies):
            memory = await recall_memory(
                source.partition,
                position,
                history,
                longest,
                self._policies_at,
                self._decode,
                self._clock,
                self._ahead_ms,
            )
        memory.expiring = await read_step_ups(self._log, source.partition, self._wire)
        await self._subjects.opened(source, position)
        self._memory[source] = memory

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._memory.pop(source, None)
        self._subjects.closed(source)

    async def note(self) -> None:
        """Note how far the subjects topic has come; now and then, so that a later catch-up has less to read."""
        await self._subjects.look()

    async def step(self, batch: Batch, tx: None) -> Iterable[Output]:
        """Return what follows from the batch. Raises `SubjectsUnavailable`, `SubjectsBehind`: nothing is decided."""
        memory, log_ms = self._memory[batch.source], batch.progress_ms
        if log_ms is not None:
            await self._wait_for_governance(log_ms)
        # The keys are known without decoding, so one look at each event suffices.
        states = await self._subjects.load(batch, set(filter(None, map(_KEY, batch.records))))
        if batch.records:
            return LazyOutputs(self._run(batch, memory, states))
        return [] if log_ms is None else self._pipeline.lapsed_step_ups(memory, log_ms)

    def _run(self, batch: Batch, memory: PartitionMemory, states: States) -> Iterator[Part]:
        """Yield what follows from the batch, bit by bit, and at the end what its subjects are then."""
        changes = States()
        counts = yield from self._pipeline.run(batch, Known(memory, states, changes), self._reaching(memory))
        MENDED.update({("transaction", field): count for field, count in counts.mended.items()})
        if self._observer:
            self._observer(counts)
        if batch.progress_ms is not None and len(memory.expiring):
            yield self._pipeline.lapsed_step_ups(memory, batch.progress_ms)
        if changes:
            yield self._subjects.changed(batch, changes)

    async def _wait_for_governance(self, log_ms: int) -> None:
        """Wait until everything that is in force at `log_ms` is known; the lane gives up when it takes too long."""
        while not self._governance.knows(log_ms):  # noqa: ASYNC110 - governance is polled as well
            await asyncio.sleep(_AGAIN_S)

    def _policies_at(self, log_ms: int) -> EffectivePolicies:
        regime, policies = self._governance.at(log_ms), self._policies
        if regime is not policies.regime or not policies.from_ms <= log_ms < policies.until_ms:
            policies = self._policies = EffectivePolicies(regime, log_ms, self._policy, self._compiled)
        return policies

    def _reaching(self, memory: PartitionMemory) -> PoliciesAt:
        """Return how to get what `memory` is long enough for; raises `MemoryTooShort`: the lane begins anew."""

        def policies_at(log_ms: int) -> EffectivePolicies:
            policies = self._policies_at(log_ms)
            if not memory.reaches(policies):
                raise MemoryTooShort("a policy with a longer horizon came into force: recalling more of the log")
            return policies

        return policies_at
