"""How many proofs lie behind one handset, in one partition of the device proofs."""

from typing import NamedTuple, Self

from proofwatch.detection.suspicions import velocity
from proofwatch.detection.velocity import Limit, Proofs, crossings, horizon_ms, limits_of
from proofwatch.events.types import DeviceProof, Suspicion, Transaction
from proofwatch.governance.policy import Policy


class Rules(NamedTuple):
    """What a policy says about handsets, and how much log time that looks back on."""

    policy_hash: str
    limits: tuple[Limit, ...]
    horizon_ms: int

    @classmethod
    def of(cls, policy: Policy) -> Self:
        """Return the rules of a policy."""
        limits = limits_of(policy.suspicion.device_velocity)
        return cls(policy.hash, limits, horizon_ms(limits))


def device_key(tenant: str, device_ref: str) -> bytes:
    """Return the key of a handset's records: handsets of different tenants are never the same."""
    return f"{tenant}/{device_ref}".encode()


def device_proof(event: Transaction, policy_hash: str) -> DeviceProof | None:
    """Return that a handset took part in the transaction; None: it names none."""
    if event.device is None or event.device.ref is None:
        return None
    return DeviceProof(
        schema_version=1,
        tenant=event.tenant,
        device_ref=event.device.ref,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        imagery_ref=event.imagery_ref,
        attempt_id=event.attempt_id,
        policy_hash=policy_hash,
        imagery_sha256=event.imagery_sha256,
        imagery_media_type=event.imagery_media_type,
    )


class Handsets:
    """The proofs of every handset for one horizon of log time; a transaction that is published again counts once.

    Counted are proofs of distinct transactions, not subjects: a farm behind one handset proves many people once each
    and one person many times, and either is too much for one handset.
    """

    def __init__(self, horizon_ms: int) -> None:
        """`horizon_ms`: as `Policies.horizon_ms`."""
        self.horizon_ms = horizon_ms
        self._proofs = Proofs(horizon_ms)
        self._transactions = Proofs(horizon_ms)

    def begin(self, offset: int, timestamp_ms: int) -> None:
        """Begin a batch, or begin it anew (`Proofs.begin`)."""
        self._proofs.begin(offset, timestamp_ms)
        self._transactions.begin(offset, timestamp_ms)

    def see(self, timestamp_ms: int, proof: DeviceProof, rules: Rules) -> list[Suspicion]:
        """Remember the proof; return the suspicions of the rules that it crosses."""
        occurred_ms = round(proof.occurred_at.timestamp() * 1000)
        attempt = proof.attempt_id or occurred_ms  # what is published again has the same of both
        transaction = f"{proof.tenant}/{proof.transaction_id}/{attempt}".encode()
        if self._transactions.see(timestamp_ms, transaction, 0) is not None:
            return []
        times = self._proofs.see(timestamp_ms, device_key(proof.tenant, proof.device_ref), occurred_ms)
        if times is None:
            return []
        crossed = crossings(times, occurred_ms, rules.limits)
        return [velocity(proof, "device_velocity", each, rules.policy_hash) for each in crossed]
