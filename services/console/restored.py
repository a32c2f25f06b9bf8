"""Whether the database knows every erasure that was announced: one that was restored shows nobody's cases till then."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog

from proofwatch.bus.errors import BusError, ErasuresUnknown
from proofwatch.bus.port import Bus
from proofwatch.bus.postgres.erasures import ErasureLog
from proofwatch.runtime.pause import pause
from proofwatch.web.problems import Problem

if TYPE_CHECKING:
    import asyncpg

_EVERY_S: Final = 5.0
_log = structlog.get_logger(__name__)


class ErasuresKnown:
    """Looks every few seconds; what it saw last holds while Kafka is away, and before the first look nothing does."""

    def __init__(self, bus: Bus, pool: "asyncpg.Pool", *, every_s: float = _EVERY_S) -> None:
        self._erasures, self._pool, self._every_s = ErasureLog(bus), pool, every_s
        self._unknown = "" if bus.shares_fate else "whether erasures were announced is not known yet"
        self._asks = not bus.shares_fate
        self._stopped = asyncio.Event()

    def require(self) -> None:
        """Raise `Problem` unless the database knows them all."""
        if self._unknown:
            raise Problem(503, "unavailable", "the database is not ready to be read; the operator is told why")

    async def start(self) -> None:
        """Nothing: the first look is `run`'s."""

    async def step(self, *, idle: bool = False) -> int:
        """Look."""
        try:
            await self._erasures.require_known(self._pool, "console")
            self._unknown = ""
        except ErasuresUnknown as error:
            self._unknown = str(error)
        except BusError as error:
            _log.warning("erasures_not_asked", error=type(error).__name__, reason=str(error))
        return 0

    async def run(self) -> None:
        """Look every few seconds until `stop`."""
        while self._asks and not self._stopped.is_set():
            await self.step()
            await pause(self._stopped, self._every_s)
        await self._stopped.wait()

    async def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def unready(self) -> Sequence[str]:
        """Return why nothing is shown."""
        return [self._unknown] if self._unknown else []
