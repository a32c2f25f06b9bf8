"""How often one process tries to connect to a broker that is away.

The library knows no bound: every client of it tries again by itself, after 25 to 100 ms or at once, and a process has
dozens of clients. So all clients share one state for each address. While the broker is away one of them probes it, at
most every `PAUSE_S`, and the outcome holds for all that wait; once a connection stands, all connect at once.
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


class Address:
    """One broker address, shared by the clients of one event loop; away until a connection stands."""

    def __init__(self, pause_s: float = PAUSE_S) -> None:
        self._pause_s = pause_s
        self._reachable = False
        self._not_before = 0.0
        self._probing: asyncio.Future[BaseException | None] | None = None

    def suspect(self) -> None:
        """A connection has broken: let one client probe, at once, before all others try."""
        self._reachable = False

    async def connect(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Return what `attempt` returns. Raises what it raises, or `KafkaConnectionError` where another's failed."""
        while not self._reachable:
            if self._probing is None:
                return await self._probe(attempt)
            if failed := await asyncio.shield(self._probing):
                raise KafkaConnectionError(f"{type(failed).__name__}: {failed}")
        return await self._try(attempt)

    async def _probe(self, attempt: Callable[[], Awaitable[T]]) -> T:
        loop = asyncio.get_running_loop()
        outcome = self._probing = loop.create_future()
        failed: BaseException | None = None
        try:
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            connection = await self._try(attempt)
        except Exception as error:
            failed = error
            raise
        else:
            self._reachable = True
            return connection
        finally:  # one that is cancelled leaves the probe to the next
            self._probing = None
            outcome.set_result(failed)

    async def _try(self, attempt: Callable[[], Awaitable[T]]) -> T:
        self._not_before = asyncio.get_running_loop().time() + self._pause_s
        try:
            return await attempt()
        except Exception:
            self._reachable = False
            raise


_addresses: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, int], Address]]] = WeakKeyDictionary()


async def _create_shared(host: str, port: int, *, on_close: Any = None, **options: Any) -> Any:
    address = _addresses.setdefault(asyncio.get_running_loop(), {}).setdefault((host, port), Address())

    def closed(connection: Any, reason: Any) -> None:
        if reason in _BROKEN:
            address.suspect()
        if on_close:
            on_close(connection, reason)

    return await address.connect(lambda: _connect(host, port, on_close=closed, **options))


def limit_reconnects() -> None:
    """Let all clients of the library connect so, from now on."""
    client.create_conn = _create_shared
