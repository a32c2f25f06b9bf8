"""Is the watch itself well: what the other processes say of themselves at /ready, asked every few seconds."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import httpx

from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.pause import pause

_EVERY_S: Final = 10.0
_ANSWER_S: Final = 3.0
_MOST: Final = 8
_NOT_ASKED: Final = "it was not asked yet"


class Readiness(NamedTuple):
    """Whether a process does its work, and why not; None: nobody knows.

    `since`: when this console first found it so; `asked_at`: when it asked last.
    """

    ready: bool | None
    reasons: Sequence[str] = ()
    since: datetime | None = None
    asked_at: datetime | None = None


class Watched:
    """Asks each at its health port, all at once."""

    def __init__(self, places: Mapping[str, str], clock: Clock, *, every_s: float = _EVERY_S) -> None:
        """`places`: the address of each by its name."""
        self._places, self._clock, self._every_s = places, clock, every_s
        self._client: httpx.AsyncClient | None = None
        self._stopped = asyncio.Event()
        self.found: dict[str, Readiness] = {name: Readiness(None, [_NOT_ASKED]) for name in places}

    async def start(self) -> None:
        """Open nothing yet but the client."""
        if self._places:
            self._client = httpx.AsyncClient(timeout=_ANSWER_S, trust_env=False)

    async def step(self, *, idle: bool = False) -> int:
        """Ask each once."""
        asked = [self._asked(name, place) for name, place in self._places.items()]
        for name, found in zip(self._places, await asyncio.gather(*asked), strict=True):
            now, before = instant_of(self._clock.now_ms()), self.found[name]
            since = before.since if before.ready is found.ready else now
            self.found[name] = found._replace(since=since, asked_at=now)
        return 0

    async def _asked(self, name: str, place: str) -> Readiness:
        assert self._client is not None
        try:
            answer = await self._client.get(f"{place}/ready")
        except httpx.HTTPError as error:
            return Readiness(False, [f"it does not answer ({type(error).__name__})"])
        if answer.status_code == httpx.codes.OK:
            return Readiness(True)
        return Readiness(False, [*answer.text.splitlines()[:_MOST]] or [f"/ready answers {answer.status_code}"])

    async def run(self) -> None:
        """Ask every few seconds until `stop`."""
        while self._places and not self._stopped.is_set():
            await self.step()
            await pause(self._stopped, self._every_s)
        await self._stopped.wait()

    async def stop(self) -> None:
        """Ask no more."""
        self._stopped.set()
        if self._client:
            await self._client.aclose()

    def unready(self) -> Sequence[str]:
        """Nothing: what others lack is theirs."""
        return []
