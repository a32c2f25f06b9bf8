"""Watches over the attempt store for as long as the service lives."""

import asyncio
from typing import Final

import structlog

from services.scorer.ports import Attempts, AttemptsUnavailable

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 2.0


class AttemptsWatch:
    """A part of the service (`runtime.service.Part`): ready while the store answers; closes it in the end.

    Lanes need no telling: without attempts their steps fail and they try again.
    """

    def __init__(self, attempts: Attempts, every_s: float = _EVERY_S) -> None:
        """`every_s`: seconds between two looks."""
        self._attempts = attempts
        self._every_s = every_s
        self._answers = False
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Look once. Raises `AttemptsUnavailable`: without attempts there is nothing to begin with."""
        await self._attempts.ping()
        self._answers = True

    async def step(self, *, idle: bool = False) -> int:
        """Look now, when idle; takes no records."""
        if idle:
            await self._look()
        return 0

    async def run(self) -> None:
        """Look again and again until `stop`."""
        while not self._stopped.is_set():
            await self._look()
            try:
                async with asyncio.timeout(self._every_s):
                    await self._stopped.wait()
            except TimeoutError:
                continue

    async def stop(self) -> None:
        """Close the store; idempotent."""
        self._answers = False
        self._stopped.set()
        await self._attempts.close()

    def ready(self) -> bool:
        """Return whether the store answered last time."""
        return self._answers

    async def _look(self) -> None:
        try:
            await self._attempts.ping()
        except AttemptsUnavailable as error:
            if self._answers:
                _log.warning("attempts_unavailable", reason=str(error))
            self._answers = False
        else:
            self._answers = True
