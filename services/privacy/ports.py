"""What privacy needs from outside, beside the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from proofwatch.audit.entry import Actor
from services.privacy.core.erasure import Subject
from services.privacy.core.retention import Rule


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


class RetentionStore(Protocol):
    """What is kept for some time only."""

    async def begin(self, now: datetime) -> date | None:
        """Begin the run of a day (UTC), or go on with one that died; return None where it is done or under way."""
        ...

    async def remove(self, day: date, rule: Rule, now: datetime, most: int) -> int:
        """Remove at most `most` of what a rule lets go, and nothing of who is held; return how many there were."""
        ...

    async def end(self, day: date, rules: Sequence[Rule], now: datetime, by: Actor) -> Mapping[str, int]:
        """End the run and enter what went and what stayed; return that. Nobody is named."""
        ...


class Cache(Protocol):
    """What the scorer keeps at hand of subjects."""

    async def forget(self, subject: Subject) -> int:
        """Forget the person, also for a lane that is about to write; return how many keys went."""
        ...
