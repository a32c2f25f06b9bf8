"""Reads the memory of a partition back from the log when its lane opens."""

from proofwatch.bus.lanes.lookback import believable, last_timestamp
from proofwatch.bus.records import Record, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events.codec import STEP_UP
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import STEP_UPS
from proofwatch.events.wire import Wire
from proofwatch.runtime.clock import Clock
from services.scorer.core.admission import Decode, admit
from services.scorer.core.duplicates import Seen
from services.scorer.core.effective_policies import EffectivePolicies, PoliciesAt
from services.scorer.core.partition_memory import PartitionMemory
from services.scorer.core.step_up import Expiring
from services.scorer.core.times import occurred_ms
from services.scorer.handlers.subject_states import Log


class MemoryTooShort(Exception):
    """More of the log must be recalled than was: let the lane begin anew."""


async def read_step_ups(log: Log, partition: int, wire: Wire) -> Expiring:
    """Return the step-ups of a partition as the step-ups topic tells them; it is compacted, so there are few."""
    expiring, decode = Expiring(), wire.decoder(STEP_UP)
    records = [record async for record in log.read(TopicPartition(STEP_UPS, partition))]
    await wire.prepare(record.value for record in records)
    for record in records:
        if record.key is not None and record.value is not None:
            expiring.read(record.key, decode(record.value))
    return expiring


async def recall_memory(
    partition: int,
    position: int,
    history: History,
    longest: tuple[int, int],
    policies_at: PoliciesAt,
    decode: Decode,
    clock: Clock,
    ahead_ms: int,
) -> PartitionMemory:
    """Return the memory of a partition as it is at `position`, but for the step-ups.

    `longest`: at least so many milliseconds of duplicates and of velocity. The records to come are not older than the
    last one before them, so one horizon of proofs before that one is enough, however far the lane lags behind the
    clock, and before it one of duplicates, to tell which of these proofs were repeats. `ahead_ms`: what is stamped
    further ahead of the clock was refused.
    """
    now_ms = clock.now_ms()
    last_ms = await last_timestamp(history, now_ms, ahead_ms) if position else None
    if last_ms is None:
        return PartitionMemory(partition, position, *longest)
    policies = policies_at(last_ms)
    duplicates_ms, velocity_ms = max(longest[0], policies.duplicates_ms), max(longest[1], policies.velocity_ms)
    memory = PartitionMemory(partition, position, duplicates_ms, velocity_ms)
    async for log_records in history.since(max(last_ms - duplicates_ms - velocity_ms, 0)):
        records = believable(log_records, now_ms, ahead_ms)
        if not records:
            continue
        memory.recent.begin(records[0].offset, records[0].timestamp_ms)
        memory.proofs.begin(records[0].offset, records[0].timestamp_ms)
        for record in records:
            if not policies.from_ms <= record.timestamp_ms < policies.until_ms:
                policies = policies_at(record.timestamp_ms)
            _remember(memory, record, policies, decode)
    return memory


def _remember(memory: PartitionMemory, record: Record, policies: EffectivePolicies, decode: Decode) -> None:
    try:
        event, key, value, effective = admit(record, policies, decode)
    except Rejected:
        return  # it was dead-lettered in its turn
    policy, logged_ms, at_ms = effective.policy, record.timestamp_ms, occurred_ms(event)
    seen = Seen.FIRST
    if policy.horizon_ms:
        tenant, transaction_id, attempt_id = event.tenant, event.transaction_id, event.attempt_id
        seen = memory.recent.see(logged_ms, at_ms, tenant, transaction_id, attempt_id, key, value, policy.horizon_ms)
    if seen is not Seen.REPEATED and policy.velocity:
        memory.proofs.see(logged_ms, key, at_ms)
