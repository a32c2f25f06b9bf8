"""One partition of the in-process bus: an append-only list of records with absolute offsets."""

import asyncio
from collections.abc import Sequence

from proofwatch.bus.records import Record

_TRIM_AT_LEAST = 8192


class PartitionLog:
    """Records of one partition; offsets are dense (no transaction markers) and survive trimming."""

    __slots__ = ("_waiters", "base", "records")

    def __init__(self) -> None:
        self.base = 0
        self.records: list[Record] = []
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def end(self) -> int:
        """Return the offset of the next record."""
        return self.base + len(self.records)

    def slice(self, position: int, limit: int) -> Sequence[Record]:
        """Return up to `limit` records from `position` on; trimmed ones are gone."""
        start = max(position - self.base, 0)
        return self.records[start : start + limit]

    def trim(self, position: int) -> None:
        """Drop what lies below `position`; in large steps, because a list moves its whole tail each time."""
        count = min(position, self.end) - self.base
        if count >= _TRIM_AT_LEAST and count * 2 >= len(self.records):
            del self.records[:count]
            self.base += count

    def wake(self) -> None:
        """Let everybody who waits for records look again."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, timeout_s: float) -> None:
        """Return at the next `wake` or after `timeout_s`, whichever comes first."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await asyncio.wait([waiter], timeout=timeout_s)
        finally:
            waiter.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)
