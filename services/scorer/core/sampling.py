"""Which transactions upstream is asked the truth about: chosen by a keyed hash of their id, with a known probability.

Labels come mostly from what was flagged. A sample that has nothing to do with the decision keeps error rates
estimable for what passed: every transaction is asked about with the same probability π, which the request says and
the label carries back (weight 1/π). The choice is BLAKE2s (RFC 7693) of a secret and the transaction's id, the secret
being BLAKE2s of the tenant under the deployment's key: a function of the log in every process, independent of any
pattern in the ids, and without the key nobody can tell which ids are chosen. (BLAKE2 with a secret in front is a
message authentication code: it cannot be extended. Keyed mode would cost two calls more.)
"""

import hashlib
from typing import Final

from proofwatch.events.identity import derived_id
from proofwatch.events.types import LabelRequest, Transaction

_BITS: Final = 64
_TENANTS: Final = 65_536
_blake2s: Final = hashlib.blake2s


class Sampler:
    """Chooses the share π of all transactions of each tenant. One for every key and π; it may be kept for good."""

    __slots__ = ("_below", "_key", "_secrets", "probability")

    def __init__(self, key: bytes, share: float) -> None:
        """`key`: 16 to 32 secret bytes, the same in every process; `share`: π from 0 to 1.

        `probability` is what π is in truth: `share` to the nearest 2^-64. Raises `ValueError`.
        """
        if not 16 <= len(key) <= _blake2s.MAX_KEY_SIZE:
            msg = f"the key of the label sample has {len(key)} bytes: it must have 16 to {_blake2s.MAX_KEY_SIZE}"
            raise ValueError(msg)
        if not 0 <= share <= 1:
            msg = f"the share of the label sample is {share}: it must be from 0 to 1"
            raise ValueError(msg)
        below = round(share * (1 << _BITS))
        # Digests compare as the fractions they spell; none reaches a byte more than its own 32, so that 1 means all.
        self._below = (
            below.to_bytes(_BITS // 8, "big") if below < 1 << _BITS else b"\xff" * (_blake2s.MAX_DIGEST_SIZE + 1)
        )
        self._key = key
        self._secrets: dict[str, bytes] = {}
        self.probability = below / (1 << _BITS)

    def __bool__(self) -> bool:
        """Return whether anything is chosen at all."""
        return self.probability > 0

    def chooses(self, tenant: str, transaction_id: str) -> bool:
        """Return whether upstream is asked about this transaction."""
        secret = self._secrets.get(tenant)
        if secret is None:
            secret = self._secret(tenant)
        return _blake2s(secret + transaction_id.encode()).digest() < self._below

    def _secret(self, tenant: str) -> bytes:
        if len(self._secrets) >= _TENANTS:
            self._secrets.clear()
        secret = self._secrets[tenant] = _blake2s(tenant.encode(), key=self._key).digest()
        return secret


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
