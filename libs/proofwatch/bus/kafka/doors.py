"""How often one process tries to connect to a broker that is away.

The library knows no bound: every client of it tries again by itself, after 25 to 100 ms or at once, and a process has
dozens of clients. So all of them stand before one door for each address. While it is shut one of them knocks, at most
every `PAUSE_S`, and what he finds holds for all who wait; once a connection stands, everybody goes in at once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from aiokafka import client
from aiokafka.conn import CloseReason
from aiokafka.errors import KafkaConnectionError

T = TypeVar("T")

PAUSE_S: Final = 0.5
"""Seconds between two attempts at one address, of all clients in one event loop together."""

_BROKEN: Final = (CloseReason.CONNECTION_BROKEN, CloseReason.CONNECTION_TIMEOUT)
_connect: Final = client.create_conn


class Door:
    """One address, as the clients in one event loop see it; shut until somebody has got in."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._open = False
        self._not_before = 0.0
        self._knocking: asyncio.Future[BaseException | None] | None = None

    def doubt(self) -> None:
        """A connection has broken: let one see, at once, before all others try."""
        self._open = False

    async def enter(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns. Raises what it raises, or `KafkaConnectionError` where another's failed."""
        while not self._open:
            if self._knocking is None:
                return await self._knock(attempt)
            if failed := await asyncio.shield(self._knocking):
                raise KafkaConnectionError(f"{type(failed).__name__}: {failed}")
        return await self._try(attempt)

    async def _knock(self, attempt: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        told = self._knocking = loop.create_future()
        failed: BaseException | None = None
        try:
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            entered = await self._try(attempt)
        except Exception as error:
            failed = error
            raise
        else:
            self._open = True
            return entered
        finally:  # one who is cancelled leaves the knocking to the next
            self._knocking = None
            told.set_result(failed)

    async def _try(self, attempt: Callable[[], Awaitable[T]]) -> T:
        self._not_before = asyncio.get_running_loop().time() + self._pause_s
        try:
            return await attempt()
        except Exception:
            self._open = False
            raise


_doors: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], Door]]] = WeakKeyDictionary()


async def _through_a_door(host: str, port: int, *, on_close: Any = None, **options: Any) -> Any:
    door = _doors.setdefault(asyncio.get_running_loop(), {}).setdefault((host, port), Door())

    def closed(connection: Any, reason: Any) -> None:
        if reason in _BROKEN:
            door.doubt()
        if on_close:
            on_close(connection, reason)

    return await door.enter(lambda: _connect(host, port, on_close=closed, **options))


def stand_in_line() -> None:
    """Let all clients of the library connect so, from now on."""
    client.create_conn = _through_a_door
