"""Whom the deployment has erased, by marks: what happened before then leaves nothing behind of them again."""

from datetime import datetime

from proofwatch.events.types import Erasure, Transaction
from proofwatch.privacy.marks import subject_mark


class ErasedPeople:
    """Those who were erased, as far as the topic of erasures was read. A mark is computed only where it may decide."""

    def __init__(self, secret: bytes | None) -> None:
        """`secret`: the deployment's for marks; None: nobody is known again."""
        self._secret = secret
        self._at: dict[str, dict[str, datetime]] = {}
        self._latest: dict[str, datetime] = {}

    def add(self, event: Erasure) -> None:
        """Know somebody more; again is as good."""
        tenant, at = event.tenant, event.erased_at
        marks = self._at.setdefault(tenant, {})
        marks[event.subject_mark] = max(at, marks.get(event.subject_mark, at))
        self._latest[tenant] = max(at, self._latest.get(tenant, at))

    @property
    def unasked(self) -> int:
        """How many there are who are not known again, for want of the secret."""
        return sum(map(len, self._at.values())) if self._secret is None else 0

    def late(self, event: Transaction) -> bool:
        """Return whether a transaction is of somebody who was erased after it had happened."""
        latest = self._latest.get(event.tenant)
        if latest is None or event.occurred_at > latest or self._secret is None:
            return False
        at = self._at[event.tenant].get(subject_mark(self._secret, event.tenant, event.subject_ref))
        return at is not None and event.occurred_at <= at
