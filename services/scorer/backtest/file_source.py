"""What all files have in common as sources: one partition, read from its beginning to its end."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import islice
from typing import Final

from services.scorer.backtest.arrivals import Accounts, Arrival, Counted, Kind

BATCH: Final = 5_000


class FileSource(ABC):
    """What all files share: one partition, and progress."""

    kind: Kind = "file"
    attempts: Counted = "counted"

    def __init__(self, total: int | None) -> None:
        self.accounts = Accounts()
        self.total = total
        self.done = 0

    async def batches(self) -> AsyncIterator[tuple[int, Sequence[Arrival]]]:
        """Yield the arrivals of the only partition."""
        arrivals = self._arrivals()
        while batch := list(islice(arrivals, BATCH)):
            yield 0, batch

    @abstractmethod
    def _arrivals(self) -> Iterator[Arrival]: ...
