"""The two stages of devices: transactions keyed anew by handset, and the counting of each handset's proofs."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog

from proofwatch.bus.lanes.lookback import last_horizon
from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.bus.wrappers.timely import AHEAD_MS
from proofwatch.events.codec import DEVICE_PROOF, SUSPICION, TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.events.topics import DEVICE_PROOFS, SUSPICIONS
from proofwatch.events.types import DeviceProof, Transaction
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import EPOCH
from proofwatch.runtime.clock import Clock
from services.devices.core.handsets import Handsets, Rules, device_key, device_proof
from services.devices.ports import Policies

_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_log = structlog.get_logger(__name__)


class MemoryTooShort(Exception):
    """A policy that looks back further than what is remembered has come: let the lane recall more of the log."""


class RekeyStage:
    """Publishes every transaction that names a handset again, keyed by it. It keeps nothing between batches."""

    def __init__(self, policies: Policies, wire: Wire = JSON) -> None:
        self._policies = policies
        self._decode = wire.decoder(TRANSACTION)
        self._encode = wire.encoder(DEVICE_PROOF)
        self.skipped: Counter[str] = Counter()
        """Records that were passed over since the process began, by reason; a batch that comes again counts again."""

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: None) -> Sequence[Outgoing]:
        """Return the device proofs. What the scorer refuses is passed over: it has its dead letter from there."""
        outputs, skipped = [], Counter[str]()
        for record in batch.records:
            try:
                proof = self._proof(record)
            except Rejected as error:
                skipped[error.reason] += 1
                continue
            if proof is None:
                skipped["no_device"] += 1
                continue
            key = device_key(proof.tenant, proof.device_ref)
            outputs.append(Outgoing(DEVICE_PROOFS, key, self._encode(proof), timestamp_ms=record.timestamp_ms))
        if skipped:
            self.skipped += skipped
            _log.debug("records_skipped", partition=batch.source.partition, **skipped)
        return outputs

    def _proof(self, record: Record) -> DeviceProof | None:
        event = self._decode(record.value)
        if record.key != f"{event.tenant}/{event.subject_ref}".encode():
            raise Rejected("key_mismatch", "see the dead letter of the scorer")
        policy = self._policies.in_force(event, record.timestamp_ms)
        if not _of_its_time(event, record.timestamp_ms + policy.max_ahead_seconds * 1000):
            raise Rejected("time_ahead", "see the dead letter of the scorer")
        return device_proof(event, policy.hash)


class HandsetStage:
    """Counts the proofs of every handset and raises suspicions.

    They are a function of the device proofs and the policies: the same log gives the same bytes, however it is cut
    into batches. Counts are kept in memory; when a partition is opened, two horizons of the log are read again: one
    to count by, and the one before it to tell which of its transactions were repeats.
    """

    def __init__(self, policies: Policies, clock: Clock, wire: Wire = JSON, ahead_ms: int = AHEAD_MS) -> None:
        """`clock` says where to look for history from; what is stamped `ahead_ms` ahead of it counts for nothing."""
        self._policies = policies
        self._clock = clock
        self._ahead_ms = ahead_ms
        self._decode = wire.decoder(DEVICE_PROOF)
        self._encode = wire.encoder(SUSPICION)
        self._handsets: dict[TopicPartition, Handsets] = {}
        self._rules: dict[str, Rules] = {}

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Recall the proofs of the last two horizons from the log."""
        horizon_ms = max([self._policies.horizon_ms(), *(rules.horizon_ms for rules in self._rules.values())])
        handsets = self._handsets[source] = Handsets(horizon_ms)
        if not position:
            return  # nothing lies before it
        async for records in last_horizon(history, 2 * horizon_ms, self._clock.now_ms(), self._ahead_ms):
            handsets.begin(records[0].offset, records[0].timestamp_ms)
            for record in records:
                try:
                    self._see(handsets, record)
                except Rejected:
                    continue  # it was dead-lettered in its turn

    async def closed(self, source: TopicPartition) -> None:
        """Forget the partition."""
        self._handsets.pop(source, None)

    async def step(self, batch: Batch, tx: None) -> Sequence[Output]:
        """Return suspicions, keyed as the transactions of their subjects, and rejections. Raises `MemoryTooShort`."""
        outputs: list[Output] = []
        if not batch.records:
            return outputs
        handsets = self._handsets[batch.source]
        handsets.begin(batch.records[0].offset, batch.records[0].timestamp_ms)
        for record in batch.records:
            try:
                outputs += self._see(handsets, record)
            except Rejected as error:
                outputs.append(Rejection.of(record, error))
        return outputs

    def _see(self, handsets: Handsets, record: Record) -> list[Outgoing]:
        proof = self._decode(record.value)
        if record.key != device_key(proof.tenant, proof.device_ref):
            raise Rejected("key_mismatch", "the record's key must be tenant/device_ref in UTF-8, as in the event")
        if not _of_its_time(proof):
            raise Rejected("schema_mismatch", "$.occurred_at: must lie in the years 1970 to 9998")
        rules = self._rules.get(proof.policy_hash) or self._learn(proof.policy_hash)
        if rules.horizon_ms > handsets.horizon_ms:
            raise MemoryTooShort(f"{rules.horizon_ms} ms are looked back on, {handsets.horizon_ms} ms remembered")
        key = f"{proof.tenant}/{proof.subject_ref}".encode()
        return [
            Outgoing(SUSPICIONS, key, self._encode(each), timestamp_ms=record.timestamp_ms)
            for each in handsets.see(record.timestamp_ms, proof, rules)
        ]

    def _learn(self, policy_hash: str) -> Rules:
        policy = self._policies.named(policy_hash)
        if policy is None:
            raise Rejected("schema_mismatch", "$.policy_hash: must be the hash of a policy in the policies topic")
        rules = self._rules[policy_hash] = Rules.of(policy)
        return rules


def _of_its_time(event: Transaction | DeviceProof, latest_ms: int | None = None) -> bool:
    at = event.occurred_at
    return EPOCH <= at < _LATEST and (latest_ms is None or at.timestamp() * 1000 <= latest_ms)
