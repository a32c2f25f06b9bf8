"""Time as an argument: the only place that asks the operating system what time it is."""

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        ...


class SystemClock:
    """The wall clock."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000


class ContinuedClock:
    """A clock that goes on from a time as the wall clock goes on from now, and never backwards."""

    def __init__(self, now_ms: int) -> None:
        self._ahead_ms = now_ms - time.monotonic_ns() // 1_000_000

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return self._ahead_ms + time.monotonic_ns() // 1_000_000


class SimulatedClock:
    """A clock that moves only when told, and never backwards."""

    def __init__(self, now_ms: int = 0) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch of the simulation."""
        return self._now_ms

    def advance_to(self, now_ms: int) -> None:
        """Move to `now_ms` if that lies ahead."""
        self._now_ms = max(self._now_ms, now_ms)
