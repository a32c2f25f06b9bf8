"""How long a step may say nothing.

A step that hangs must end, and one that has much to do must not: a backlog that closes a day of ten thousand tenants
has minutes of work, and a limit on the whole would undo it and begin it anew for ever. So the limits of whatever a step
runs in count from the last time that it said that it goes on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

_LIMITS: Final[ContextVar[tuple[tuple[asyncio.Timeout, float], ...]]] = ContextVar("limits", default=())


@asynccontextmanager
async def silent_at_most(seconds: float | None) -> AsyncIterator[None]:
    """Raise `TimeoutError` when what is inside has not called `goes_on` for so many seconds; None: never."""
    async with asyncio.timeout(seconds) as limit:
        if seconds is None:
            yield
            return
        token = _LIMITS.set((*_LIMITS.get(), (limit, seconds)))
        try:
            yield
        finally:
            _LIMITS.reset(token)


def goes_on() -> None:
    """Say that the step of this task works on: every limit that it runs in begins to count again."""
    now_s = asyncio.get_running_loop().time()
    for limit, seconds in _LIMITS.get():
        if not limit.expired():
            limit.reschedule(now_s + seconds)
