"""The scorer's stage: load attempts; admit, tell duplicates, judge and encode in order; save attempts."""

from collections.abc import Sequence
from typing import Final

from proofwatch.bus.dead_letter import dead_letter
from proofwatch.bus.port import Batch, History, Outgoing, Record, TopicPartition
from proofwatch.events.codec import GUIDANCE, SUSPICION, VERDICT
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import GUIDANCE as GUIDANCE_TOPIC
from proofwatch.events.topics import SUSPICIONS, VERDICTS
from proofwatch.events.types import Transaction
from proofwatch.runtime.clock import Clock
from services.scorer.admission import admit
from services.scorer.core import attempts as core
from services.scorer.core.decide import decide
from services.scorer.core.duplicates import Recent, Seen
from services.scorer.core.effects import guidance, persisting_liveness, verdict
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import judge
from services.scorer.ports import Attempts, BatchCounts, Observer
from services.scorer.recall import recall

STAGE: Final = "scorer"

Histories = dict[bytes, core.History]

_CONFLICT: Final = (
    "$.transaction_id: was seen with another payload within the policy's duplicate horizon; "
    "give every transaction an id of its own, and send a repeat byte for byte"
)


class ScorerStage:
    """Turns transactions into verdicts, guidance and suspicions; a `Stage[None]` for a lane on the bus.

    Verdicts are a function of the log and the policy: the same records give the same bytes, however the log is cut
    into batches and however often one is seen.
    """

    def __init__(self, attempts: Attempts, rulebook: Rulebook, clock: Clock, observer: Observer | None = None) -> None:
        """`observer` is told what became of each batch; `clock` only says where to begin looking for history."""
        self._attempts = attempts
        self._rulebook = rulebook
        self._clock = clock
        self._observer = observer
        self._clean = rulebook.basis(core.CLEAN.failures)
        self._recent: dict[TopicPartition, Recent] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Recall the transactions of the last horizon from the log."""
        self._recent[source] = (
            await recall(history, self._rulebook, self._clock.now_ms())
            if position and self._rulebook.horizon_ms
            else Recent(self._rulebook.horizon_ms)
        )

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._recent.pop(source, None)

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return verdicts, guidance, suspicions, dead letters. Raises `AttemptsUnavailable`: nothing is decided."""
        records, source = batch.records, batch.source
        if not records:
            return []
        # The keys are known without decoding, so one look at each event suffices.
        histories = await self._attempts.load(source, {record.key for record in records if record.key})
        changes = _settle(histories, batch.position_before)
        outputs, counts = self._work(batch, histories, changes)
        if changes:
            await self._attempts.save(batch, changes)
        if self._observer:
            self._observer(counts)
        return outputs

    def _work(self, batch: Batch, histories: Histories, changes: Histories) -> tuple[list[Outgoing], BatchCounts]:
        """Take the records in order, each through everything while it is in the processor's cache.

        Updates `histories` and `changes`.
        """
        source, partition, recent = batch.source, batch.source.partition, self._recent[batch.source]
        rulebook, clean, none, encode = self._rulebook, self._clean, core.CLEAN.failures, VERDICT.encode
        ahead_ms, see, first, repeated = rulebook.ahead_ms, recent.see, Seen.FIRST, Seen.REPEATED
        outputs: list[Outgoing] = []
        append = outputs.append
        decided = deduplicated = dead_lettered = 0
        recent.rewind(batch.records[0].offset)
        recent.expire(batch.records[0].timestamp_ms)
        for record in batch.records:
            try:
                event, key, value = admit(record, ahead_ms)
            except Rejected as error:
                append(dead_letter(record, source, STAGE, error.reason, error.message))
                dead_lettered += 1
                continue
            seen = see(record.offset, record.timestamp_ms, event.tenant, event.transaction_id, value)
            if seen is not first:
                if seen is repeated:
                    deduplicated += 1
                else:
                    append(dead_letter(record, source, STAGE, "conflicting_duplicate", _CONFLICT))
                    dead_lettered += 1
                continue
            decided += 1
            if key not in histories:
                judgement = judge(event, rulebook, none)
                if not judgement.failed:
                    decision = encode(verdict(event, judgement, clean))
                    append(Outgoing(VERDICTS, key, decision, partition, record.timestamp_ms))
                    continue
            outputs += self._decide(record, key, event, partition, histories, changes)
        return outputs, BatchCounts(
            source,
            batch.position_before,
            batch.position_after,
            consumed=len(batch.records),
            decided=decided,
            deduplicated=deduplicated,
            dead_lettered=dead_lettered,
        )

    def _decide(
        self,
        record: Record,
        key: bytes,
        event: Transaction,
        partition: int,
        histories: Histories,
        changes: Histories,
    ) -> list[Outgoing]:
        """Return the outputs for a subject that fails or failed; update `histories` and `changes`."""
        before = histories.get(key, ())
        judgement, basis, suspicion, history = decide(event, record.offset, before, self._rulebook)
        if history is not before:
            histories[key] = changes[key] = history
        effects = [(VERDICTS, VERDICT.encode(verdict(event, judgement, basis)))]
        if judgement.failed:
            effects.append((GUIDANCE_TOPIC, GUIDANCE.encode(guidance(event, judgement, self._rulebook, basis))))
        if suspicion:
            effects.append((SUSPICIONS, SUSPICION.encode(persisting_liveness(event, basis))))
        return [Outgoing(topic, key, value, partition, record.timestamp_ms) for topic, value in effects]


def _settle(histories: Histories, position: int) -> Histories:
    """Reduce `histories` to what lies below `position`; return those that a batch not committed had touched."""
    changes: Histories = {}
    for key, history in histories.items():
        histories[key] = settled = core.settled(history, position)
        if history and history[-1].offset >= position:
            changes[key] = settled
    return changes
