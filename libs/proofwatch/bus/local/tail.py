"""Following whole topics of the in-process bus outside any group."""

from collections.abc import Sequence

from proofwatch.bus.local.log import PartitionLog
from proofwatch.bus.port import CaughtUp
from proofwatch.bus.records import Record, TopicPartition


class LocalTail:
    """Always complete: nothing lies in the log that cannot be read."""

    def __init__(self, logs: Sequence[tuple[TopicPartition, PartitionLog]], last: int | None = None) -> None:
        """`last`: see `Bus.tail`."""
        self._logs = tuple(logs)
        self._last = last
        self._positions = dict.fromkeys((at for at, _ in logs), 0)

    @property
    def behind(self) -> Sequence[tuple[TopicPartition, int]]:
        """Nothing."""
        return ()

    async def start(self) -> None:
        """Nothing to connect to."""
        if self._last is not None:
            self._positions = {at: max(0, log.end - self._last) for at, log in self._logs}

    async def stop(self) -> None:
        """Nothing to release."""

    async def catch_up(self, timeout_s: float) -> CaughtUp:
        """Return what has come since the last call, at once."""
        taken: list[tuple[TopicPartition, Record]] = []
        for at, log in self._logs:
            end = log.end
            taken += [(at, record) for record in log.slice(self._positions[at], end)]
            self._positions[at] = end
        return CaughtUp(taken, True)
