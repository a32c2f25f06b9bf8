"""From the records of one batch to everything that follows from them; nothing in here waits for anything.

`Pipeline.run` is the order of a transaction's steps; each step is a function of the module that it is named after.
"""

from collections import Counter
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from operator import itemgetter
from typing import Final, NamedTuple, NoReturn

import msgspec

from proofwatch.bus.records import Batch, Outgoing, Part, Record, Rejection, new_outgoing
from proofwatch.detection.suspicions import velocity
from proofwatch.detection.velocity import crossings
from proofwatch.events.codec import TransactionCodec
from proofwatch.events.enumerations import PatternHitDecision
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import SubjectState, Transaction
from proofwatch.events.wire import Wire
from services.scorer.core.admission import admit
from services.scorer.core.attempts import named
from services.scorer.core.conservation import BatchCounts
from services.scorer.core.decision import Context, Decision, decide, plain_accept
from services.scorer.core.duplicates import CONFLICT, Seen
from services.scorer.core.effective_policies import EffectivePolicies, EffectivePolicy, PoliciesAt
from services.scorer.core.event_records import EventRecords
from services.scorer.core.partition_memory import PartitionMemory
from services.scorer.core.patterns import Pattern, hits, live
from services.scorer.core.sampling import Sampler, label_request
from services.scorer.core.step_up import off_record
from services.scorer.core.subject import NOTHING
from services.scorer.core.suspicion import Signals
from services.scorer.core.times import occurred_ms
from services.scorer.core.verdicts import guidance, verdict

States = dict[bytes, SubjectState]

_PART: Final = 256
"""So many outputs are made before they are handed on: few enough to stay in the processor's cache."""

_STAMP: Final = itemgetter(Record._fields.index("timestamp_ms"))


def _never(event: Transaction) -> bool:
    """Nobody was erased."""
    return False


class Known(NamedTuple):
    """What is known when a batch begins, and is brought up to date by it.

    `states`: those of the batch's subjects that have one. `changes`: what the batch has made of some of them.
    """

    memory: PartitionMemory
    states: States
    changes: States

    def keep(self, key: bytes, state: SubjectState) -> None:
        """Set what is known of a subject from now on."""
        self.states[key] = self.changes[key] = state


class Pipeline:
    """Takes records in order, each through everything while it is in the processor's cache."""

    def __init__(
        self,
        wire: Wire,
        records: EventRecords,
        label_sample_key: bytes | None,
        late: Callable[[Transaction], bool] = _never,
    ) -> None:
        """`label_sample_key`: what transactions are chosen by whose labels upstream is asked for; None: none are.

        `late`: whether a transaction is of somebody who was erased after it had happened: it is decided as one of
        somebody who left nothing behind, and leaves nothing.
        """
        self._late = late
        self._codec = TransactionCodec()  # its own, so that what it puts right is of the batch in hand
        self._decode = wire.decoder(self._codec)
        self._records = records
        self._sample_key = label_sample_key
        self._samplers: dict[float, Sampler] = {}

    def run(  # noqa: C901 - a call for each record would cost as much as its duplicate check
        self, batch: Batch, known: Known, policies_at: PoliciesAt
    ) -> Generator[Part, None, BatchCounts]:
        """Yield what follows from the records of `batch`, part by part; update `known`. Returns what became of them.

        `policies_at` gives what is in force at a log time, and may raise.
        """
        source, partition, first_ms = batch.source, batch.source.partition, min(map(_STAMP, batch.records))
        memory, states, _ = known
        policies = policies_at(first_ms)
        memory.begin(batch, first_ms)
        soon = _soon(first_ms, policies)
        decode, see, prove, first = self._decode, memory.recent.see, memory.proofs.see, Seen.FIRST
        patterns, samples = policies.patterns or None, self._sample_key is not None
        topic, encode, headers, identify = self._records.verdict
        from_ms, until_ms = policies.from_ms, policies.until_ms
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
            offset, logged_ms, _, _, incoming = record
            # 1. What is in force at its log time.
            if not from_ms <= logged_ms < until_ms:
                policies = policies_at(logged_ms)
                from_ms, until_ms = policies.from_ms, policies.until_ms
                soon, patterns = min(soon, _soon(first_ms, policies)), policies.patterns or None
            try:
                # 2. Admission: valid, under its own key, of a tenant with a contract, of its time.
                event, key, value, effective = admit(record, policies, decode, soon)
                policy = effective.policy
                horizon_ms, rules = policy.horizon_ms, policy.velocity
                if horizon_ms or rules:
                    at_ms = occurred_ms(event)
                # 3. Duplicates: a repeat ends here, a further attempt has a name, a conflict is refused.
                if horizon_ms:
                    tenant, transaction_id, attempt_id = event.tenant, event.transaction_id, event.attempt_id
                    seen = see(logged_ms, at_ms, tenant, transaction_id, attempt_id, key, value, horizon_ms)
                    if seen is not first:
                        if seen is Seen.REPEATED:
                            deduplicated += 1
                            continue
                        event = named(event)
                        if seen is Seen.CONFLICTING:
                            self._refuse_conflict(record, event, key, effective, known, outputs)
            except Rejected as error:
                if outputs:
                    yield outputs
                    outputs = []
                    append = outputs.append
                yield Rejection.of(record, error)
                self._codec.mended = mended
                dead_lettered += 1
                continue
            # 4. Signals: velocity of the subject, attack patterns, alarms of its cohorts. The fields of `Signals`. What
            # matches in shadow is none: it is told, and that is all.
            matched = patterns.matches(event) if patterns else ()
            times = prove(logged_ms, key, at_ms, policy.velocity_least) if rules else None
            signals = (
                crossings(times, at_ms, rules) if times else (),
                live(matched) if matched else (),
                effective.alarms,
            )
            # 5. The label sample, which has nothing to do with the decision.
            sampled = self._sampled(event, policy.label_sample) if samples and policy.label_sample else 0.0
            # 6. Nearly always that is all: a plain accept.
            judgement = plain_accept(event, effective, signals, key not in states, sampled)
            if judgement is not None:
                decided = encode(verdict(event, judgement, effective.clean))
                names = headers(identify(event), incoming) if headers else ()
                append(new_outgoing((topic, key, decided, partition, logged_ms, names)))
                if matched and not self._late(event):
                    outputs += self._told(event, matched, judgement.decision, record, key, partition)
                continue
            # 7. Else: rules and attempts, suspicions, step-up MFA, shadow policies (`decide`); keep, and publish.
            late = self._late(event)
            before, mfa = (NOTHING, None) if late else (states.get(key, NOTHING), memory.expiring.get(key))
            decision = decide(event, Context(offset, logged_ms, Signals(*signals), mfa), before, effective)
            if late:
                decision = decision._replace(step_ups=())
            elif decision.state is not before:
                known.keep(key, decision.state)
            if decision.mfa is not mfa and not late:
                memory.expiring.put(key, decision.mfa)
            for each in _published(decision, effective, sampled):
                append(self._records.record(each, key, partition, logged_ms, incoming))
            if matched and not late:
                outputs += self._told(decision.event, matched, decision.judgement.decision, record, key, partition)
        yield outputs
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

    def _told(
        self,
        event: Transaction,
        matched: tuple[Pattern, ...],
        decision: PatternHitDecision,
        record: Record,
        key: bytes,
        partition: int,
    ) -> list[Outgoing]:
        """Return what is told of the patterns that a transaction matches."""
        made, logged_ms = self._records.record, record.timestamp_ms
        return [made(each, key, partition, logged_ms, record.headers) for each in hits(event, matched, decision)]

    def lapsed_step_ups(self, memory: PartitionMemory, log_ms: int) -> list[Outgoing]:
        """Return the off records of users whose step-up has ended by `log_ms` and who did not come back."""
        record, partition = self._records.record, memory.partition
        return [record(off_record(key, mfa), key, partition, mfa.until_ms) for key, mfa in memory.expiring.due(log_ms)]

    def _refuse_conflict(
        self,
        record: Record,
        event: Transaction,
        key: bytes,
        effective: EffectivePolicy,
        known: Known,
        outputs: list[Outgoing],
    ) -> NoReturn:
        """Raise `Rejected`; count the conflict as a proof of its subject: one too many raises a suspicion."""
        policy, at_ms, logged_ms = effective.policy, occurred_ms(event), record.timestamp_ms
        times = known.memory.proofs.see(logged_ms, key, at_ms, policy.velocity_least) if policy.velocity else None
        crossed = crossings(times, at_ms, policy.velocity) if times else ()
        if crossed and not self._late(event):
            before = known.states.get(key, NOTHING)
            known.keep(key, msgspec.structs.replace(before, offset=record.offset, flagged_ms=logged_ms))
        for each in crossed:
            raised = velocity(event, "subject_velocity", each, policy.policy_hash)
            outputs.append(self._records.record(raised, key, known.memory.partition, logged_ms, record.headers))
        raise Rejected("conflicting_duplicate", CONFLICT)

    def _sampled(self, event: Transaction, share: float) -> float:
        """Return the probability with which the transaction was chosen for the label sample; 0: it was not."""
        if share not in self._samplers:
            assert self._sample_key is not None
            self._samplers[share] = Sampler(self._sample_key, share)
        sampler = self._samplers[share]
        return sampler.probability if sampler and sampler.chooses(event.tenant, event.transaction_id) else 0.0


def _published(decision: Decision, effective: EffectivePolicy, sampled: float) -> list[msgspec.Struct]:
    """Return the events of a decision in the order in which they are published."""
    event, judgement, basis, mfa = decision.event, decision.judgement, decision.basis, decision.mfa
    events: list[msgspec.Struct] = [verdict(event, judgement, basis)]
    if judgement.failed or mfa:
        events.append(guidance(event, judgement, effective.policy, basis, mfa))
    events += [*decision.suspicions, *decision.step_ups, *decision.shadows]
    if sampled:
        events.append(label_request(event, sampled))
    return events


def _soon(first_ms: int, policies: EffectivePolicies) -> datetime:
    """Return a time that no policy takes to be ahead of a record appended at `first_ms` or later."""
    return datetime.fromtimestamp((first_ms + policies.ahead_ms) / 1000, UTC)
