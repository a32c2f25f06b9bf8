"""What privacy needs from outside, beside the database."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from services.privacy.core.erasure import Subject


class Topics(Protocol):
    """The log."""

    async def transactions(self, subject: Subject) -> frozenset[str]:
        """Return the ids of the person's transactions, as far as topics still have them."""
        ...

    async def announce(self, erasure_id: str, subject: Subject, marks: Collection[str], at: datetime) -> None:
        """Say that the person is erased; again is as good."""
        ...

    async def tombstone(self, subject: Subject, now_ms: int) -> int:
        """Take the person from every compacted topic; return how many tombstones were written."""
        ...


class Cache(Protocol):
    """What the scorer keeps at hand of subjects."""

    async def forget(self, subject: Subject) -> int:
        """Forget the person, also for a lane that is about to write; return how many keys went."""
        ...
