"""What the scorer needs from outside."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Protocol

from proofwatch.bus.port import Batch, TopicPartition
from services.scorer.core.attempts import History


class AttemptsUnavailable(Exception):
    """The attempts cannot be read or written now: let the lane retry; nothing may be decided without them."""


class Attempts(Protocol):
    """Attempt histories by subject (the record's key), kept apart by input partition.

    Histories may be written before the batch is committed, because every entry carries its offset and a reader
    takes only what lies below its own. Therefore a history may hold entries at or above the position of the lane.
    """

    async def load(self, source: TopicPartition, subjects: Collection[bytes]) -> dict[bytes, History]:
        """Return the histories of those `subjects` that have one. Raises `AttemptsUnavailable`."""
        ...

    async def save(self, batch: Batch, changes: Mapping[bytes, History]) -> None:
        """Replace these histories, as they are after `batch`. Raises `AttemptsUnavailable`.

        A history that was written for a later batch stays: then the writer is an owner that was shut out, or the
        batch was seen before, and then the one that stays contains the one that is given.
        """
        ...

    async def ping(self) -> None:
        """Make sure that the store answers. Raises `AttemptsUnavailable`."""
        ...

    async def close(self) -> None:
        """Release the connections; idempotent."""
        ...


class BatchCounts(NamedTuple):
    """What became of the records of one batch: consumed = decided + deduplicated + dead_lettered.

    Positions are those of the batch. The same positions may be reported again, for a batch may be seen again.
    """

    source: TopicPartition
    position_before: int
    position_after: int
    consumed: int
    decided: int
    deduplicated: int
    dead_lettered: int


Observer = Callable[[BatchCounts], None]
