"""Erasures that were approved and interrupted are gone on with by themselves, once nobody has done a step for a while.

Steps are fenced by the erasure's row and may come again, so that whoever is only slow loses nothing and does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog
from redis.exceptions import RedisError

from proofwatch.bus.errors import BusError, DatabaseAway
from proofwatch.instants import instant_of
from proofwatch.privacy.key_encryption import EpochDestroyed, InvalidKeys, KeysAway, Tampered
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.pause import pause
from services.privacy.core.acts import PRIVACY
from services.privacy.handlers.erasing import Erasing

QUIET: Final = timedelta(minutes=2)
"""An erasure of which no step was done for so long was interrupted: each takes seconds."""
_EVERY_S: Final = 30.0
_HINDERED: Final = (BusError, EpochDestroyed, InvalidKeys, KeysAway, RedisError, Tampered)
_log = structlog.get_logger(__name__)


class Approved(Protocol):
    """Where approved erasures stand."""

    async def interrupted(self, before: datetime) -> Sequence[str]:
        """Return the ids of those that run and of which nothing was done since, the oldest approval first."""
        ...


class Resuming:
    """A part of the service (`runtime.service.Part`): looks now and then for what was interrupted."""

    def __init__(
        self,
        approved: Approved,
        erasing: Erasing | None,
        clock: Clock,
        known: Callable[[], Awaitable[None]],
        missing: str = "",
        every_s: float = _EVERY_S,
    ) -> None:
        """`erasing` None: this process lacks what it takes, which `missing` says. `known`: as for `Retention`."""
        self._approved, self._erasing, self._clock, self._known = approved, erasing, clock, known
        self._missing, self._every_s = missing, every_s
        self._hindered: list[str] = []
        self._waits = Condition(_log, "erasure_waits")
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Nothing to acquire."""

    async def step(self, *, idle: bool = False) -> int:
        """Go on with what was interrupted; return how many erasures came to their end. Raises `BusError`."""
        await self._known()
        hindered, ended = list[str](), 0
        for erasure_id in await self._approved.interrupted(instant_of(self._clock.now_ms()) - QUIET):
            if self._stopping.is_set():
                break
            if why := await self._gone_on_with(erasure_id):
                hindered.append(f"erasure {erasure_id} was interrupted and waits: {why}")
            else:
                ended += 1
        self._hindered = hindered
        return ended

    async def run(self) -> None:
        """Look again and again until `stop`; what is away is waited for."""
        while not self._stopping.is_set():
            try:
                await self.step()
            except BusError as error:  # retention waits for the same, and says it in the same words
                self._hindered = [str(error)]
            if self._hindered:
                self._waits.holds("interrupted", reason=self._hindered[0], erasures=len(self._hindered))
            else:
                self._waits.clears()
            await pause(self._stopping, self._every_s)

    async def stop(self) -> None:
        """Begin no more; the step in hand is ended."""
        self._stopping.set()

    def unready(self) -> Sequence[str]:
        """Return which erasures wait, and for what."""
        return self._hindered

    async def _gone_on_with(self, erasure_id: str) -> str:
        """Do what is left of an erasure; return what hinders it, in a sentence; nothing: it came to its end."""
        if self._erasing is None:
            return self._missing
        try:
            await self._erasing.run(erasure_id, by=PRIVACY)
        except DatabaseAway:
            raise
        except RedisError as error:
            return f"Redis does not answer as it should ({type(error).__name__}); see PROOFWATCH_REDIS_URL"
        except _HINDERED as error:
            return str(error)
        _log.info("erasure_resumed", erasure=erasure_id)
        return ""
