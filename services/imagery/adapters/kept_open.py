"""What is opened when the service starts and closed when it stops: the store, the process that waits for a picture."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack


class KeptOpen:
    """A part of the service: opens before anything is asked, and closes at the end."""

    def __init__(self, *kept: AbstractAsyncContextManager[object]) -> None:
        self._kept, self._open = kept, AsyncExitStack()

    async def start(self) -> None:
        """Open them. No store is called before the first picture."""
        for each in self._kept:
            await self._open.enter_async_context(each)

    async def step(self, *, idle: bool = False) -> int:
        """Nothing."""
        return 0

    async def run(self) -> None:
        """Nothing: it is used by others."""

    async def stop(self) -> None:
        """Close them."""
        await self._open.aclose()

    def unready(self) -> Sequence[str]:
        """Return nothing: that the store is away, a view says."""
        return []
