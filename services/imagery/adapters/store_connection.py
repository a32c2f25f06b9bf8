"""The connection to the object store, as a part of the service: held while it runs."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack


class StoreConnection:
    """Opens a store before anything is asked of it, and closes it at the end."""

    def __init__(self, store: AbstractAsyncContextManager[object]) -> None:
        self._store, self._open = store, AsyncExitStack()

    async def start(self) -> None:
        """Open it. Nobody is called before the first picture."""
        await self._open.enter_async_context(self._store)

    async def step(self, *, idle: bool = False) -> int:
        """Nothing."""
        return 0

    async def run(self) -> None:
        """Nothing: it is used by others."""

    async def stop(self) -> None:
        """Close it."""
        await self._open.aclose()

    def unready(self) -> Sequence[str]:
        """Return nothing: that the store is away, a view says."""
        return []
