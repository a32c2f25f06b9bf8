"""What the scorer needs from outside."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from proofwatch.bus.records import TopicPartition
from proofwatch.events.types import Mfa, SubjectState
from proofwatch.governance.regime import Regime
from services.scorer.core.conservation import BatchCounts


class Governance(Protocol):
    """What is in force when; a function of the governance topics, so the same in every process."""

    def knows(self, log_ms: int) -> bool:
        """Return whether nothing that is in force at a log time can still be unknown; if not, wait."""
        ...

    def at(self, log_ms: int) -> Regime:
        """Return what is in force at a log time; the same object while nothing in it changes."""
        ...


class SubjectsUnavailable(Exception):
    """The subjects' states cannot be read or written now: let the lane retry; nothing may be decided without them."""


class SubjectsBehind(Exception):
    """The store is not where this lane is: lost, or another owner's. Let the lane begin anew, which catches up."""


class Sentinel(NamedTuple):
    """Up to where a partition's store is right.

    `generation` tells its values from those of an earlier store. `position`, in the transactions partition: every
    change below it is applied and none above it; None while `claim`, a catch-up, is under way or has broken off.
    `mark`, in the subjects partition: every record below it is applied. `age_s`: seconds since the store was last
    known to be at the end of the subjects partition.
    """

    generation: str
    position: int | None
    claim: str
    mark: int
    age_s: float


class Change(NamedTuple):
    """A subject's state as it is kept, and the step-up in it, which upstream looks up by itself."""

    value: bytes
    step_up: Mfa | None


Changes = Mapping[bytes, Change | None]
"""What to keep, by subject (the record's key); None: nothing is left of it."""


class Applied(NamedTuple):
    """What a committed batch changed.

    `timestamp_ms` is the log time it reached; `mark`, if given, an end of the subjects partition that was read before
    the batch's successor began, so that nothing below it is still to come.
    """

    position_before: int
    position_after: int
    timestamp_ms: int
    changes: Changes
    mark: int | None = None


class Subjects(Protocol):
    """A cache of the subjects' states, kept apart by input partition; the truth is the subjects topic.

    It is written after the commit. Whoever writes or reads names the position where the store must be; so an owner
    that was shut out, or one whose store was lost, gets `SubjectsBehind` and changes nothing. Every method raises
    `SubjectsUnavailable`; what it was to write may then be written or not.
    """

    async def sentinel(self, source: TopicPartition) -> Sentinel | None:
        """Return where the partition's store is; None: there is none."""
        ...

    async def claim(self, source: TopicPartition, seen: Sentinel | None, *, anew: bool) -> Sentinel:
        """Begin a catch-up: from now on only `fill` with the sentinel returned succeeds.

        `anew` begins an empty store. Raises `SubjectsBehind` when the sentinel is no longer as `seen`.
        """
        ...

    async def fill(
        self, source: TopicPartition, claim: Sentinel, changes: Changes, mark: int, position: int | None = None
    ) -> None:
        """Apply the records of the subjects partition below `mark`; with `position` the catch-up is complete.

        Raises `SubjectsBehind` when somebody else has begun a catch-up since.
        """
        ...

    async def exchange(
        self, source: TopicPartition, position: int, applied: Applied | None, subjects: Collection[bytes]
    ) -> dict[bytes, SubjectState]:
        """Apply what the batch before `position` changed, then return the states of those `subjects` that have one.

        One round trip. What is applied already, because an answer was lost, is not applied again. Raises
        `SubjectsBehind` when the store is neither at `position` nor where `applied` begins.
        """
        ...

    async def ping(self) -> None:
        """Make sure that the store answers and keeps what it is given."""
        ...

    async def close(self) -> None:
        """Release the connections; idempotent."""
        ...


Observer = Callable[[BatchCounts], None]
"""Is told what became of each batch."""
