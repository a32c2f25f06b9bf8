"""A part that looks again and again for what is due in a database, and waits for one that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from proofwatch.bus.errors import DatabaseAway
from proofwatch.runtime.pause import pause


class Polling:
    """Whether such a part works, and its loop; the part has one."""

    def __init__(self, seconds: float) -> None:
        """`seconds`: between two looks."""
        self.stopping = asyncio.Event()
        self._seconds = seconds
        self._ready = False
        self._waits_for = ""

    def start(self) -> None:
        """Say that it works from now on."""
        self._ready = True

    def stop(self) -> None:
        """End the loop, and any pause in it."""
        self.stopping.set()
        self._ready = False

    async def run(self, step: Callable[[], Awaitable[object]]) -> None:
        """Take the step again and again until `stop`; a database that is away is waited for."""
        while not self.stopping.is_set():
            try:
                await step()
                self._ready, self._waits_for = True, ""
            except DatabaseAway as error:  # said by the pool
                self._ready, self._waits_for = False, str(error)
            await pause(self.stopping, self._seconds)

    def unready(self, idle: str) -> Sequence[str]:
        """Return why it does not work: what is waited for, else `idle`; empty: it works."""
        return [] if self._ready else [self._waits_for or idle]
