"""The part of the console that asks the provider again and again about who is here."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from proofwatch.access.code_seal import CodesSealed
from proofwatch.bus.errors import BusError
from proofwatch.runtime.pause import pause
from services.console.sign_on import SignOn

_EVERY_S: Final = 15.0
_log = structlog.get_logger(__name__)


class Vouching:
    """Asks the provider again and again about who is here; as a part of the console."""

    def __init__(self, sign_on: SignOn, *, every_s: float = _EVERY_S) -> None:
        self._sign_on, self._every_s = sign_on, every_s
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Nothing: it asks while it runs."""

    async def step(self, *, idle: bool = False) -> int:
        """Ask once; while that fails sessions end by themselves, some minutes after they were vouched for last."""
        try:
            return await self._sign_on.look_again()
        except (BusError, CodesSealed) as error:
            _log.warning("provider_not_asked", error=type(error).__name__)
            return 0

    async def run(self) -> None:
        """Ask until `stop`."""
        while not self._stopped.is_set():
            await self.step()
            await pause(self._stopped, self._every_s)

    async def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()

    def unready(self) -> Sequence[str]:
        """Nothing: who signed in by a password works on while the provider is away."""
        return []
