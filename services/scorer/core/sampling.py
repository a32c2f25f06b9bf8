"""Which transactions upstream is asked the truth about: chosen by a keyed hash of their id, with a known probability.

Labels come mostly from what was flagged. A sample that has nothing to do with the decision keeps error rates
estimable for what passed: every transaction is asked about with the same probability π, which the request says and
the label carries back (weight 1/π). The choice is BLAKE2s (RFC 7693) in keyed mode of the transaction's id under the
deployment's key and its tenant: a function of the log in every process, independent of any pattern in the ids, and
without the key nobody can tell which ids are chosen.
"""

import hashlib
from typing import Final

from proofwatch.events.identity import derived_id
from proofwatch.events.types import LabelRequest, Transaction

_BITS: Final = 64
_TENANTS: Final = 65_536


class Sampler:
    """Chooses the share π of all transactions of each tenant. One for every key and π; it may be kept for good."""

    __slots__ = ("_below", "_by_tenant", "_key", "probability")

    def __init__(self, key: bytes, share: float) -> None:
        """`key`: 16 to 32 secret bytes, the same in every process; `share`: π from 0 to 1.

        `probability` is what π is in truth: `share` to the nearest 2^-64. Raises `ValueError`.
        """
        if not 16 <= len(key) <= hashlib.blake2s.MAX_KEY_SIZE:
            msg = f"the key of the label sample has {len(key)} bytes: it must have 16 to {hashlib.blake2s.MAX_KEY_SIZE}"
            raise ValueError(msg)
        if not 0 <= share <= 1:
            msg = f"the share of the label sample is {share}: it must be from 0 to 1"
            raise ValueError(msg)
        below = round(share * (1 << _BITS))
        # Digests compare as the numbers they spell; none of 8 bytes reaches a ninth, so that 1 means all.
        self._below = below.to_bytes(_BITS // 8 + 1, "big")[1:] if below < 1 << _BITS else b"\xff" * (_BITS // 8 + 1)
        self._key = key
        self._by_tenant: dict[str, hashlib.blake2s] = {}
        self.probability = below / (1 << _BITS)

    def __bool__(self) -> bool:
        """Return whether anything is chosen at all."""
        return self.probability > 0

    def chooses(self, tenant: str, transaction_id: str) -> bool:
        """Return whether upstream is asked about this transaction."""
        keyed = self._by_tenant.get(tenant)
        if keyed is None:
            keyed = self._tenant(tenant)
        digest = keyed.copy()
        digest.update(transaction_id.encode())
        return digest.digest() < self._below

    def _tenant(self, tenant: str) -> "hashlib.blake2s":
        if len(self._by_tenant) >= _TENANTS:
            self._by_tenant.clear()
        # A tenant has no slash, so no two pairs of tenant and id spell the same.
        keyed = hashlib.blake2s(f"{tenant}/".encode(), digest_size=_BITS // 8, key=self._key)
        self._by_tenant[tenant] = keyed
        return keyed


def label_request(event: Transaction, probability: float) -> LabelRequest:
    """Return the request for a chosen transaction."""
    return LabelRequest(
        schema_version=1,
        request_id=derived_id("label-request", event.tenant, event.transaction_id),
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        inclusion_probability=probability,
    )
