"""Where news wait for one who listens, until they are taken; who leaves too many there is sent away."""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Literal, NamedTuple

from proofwatch.access.session import Session
from services.triage.core.assignments import is_there
from services.triage.core.news import Changed, Place

MOST_WAITING: Final = 1_000
Ending = Literal["not_signed_in", "too_slow", "stopping", "unavailable"]


class Told(NamedTuple):
    """Something that changed: where it stands in the order of commits, and what is sent of it."""

    place: Place
    sent: bytes


class Seat:
    """That of one who listens."""

    def __init__(self, token: str, asking: Session, *, most: int = MOST_WAITING) -> None:
        """`most`: so much waits here."""
        self.token, self.asking, self._most = token, asking, most
        self._waiting: deque[Told] = deque()
        self._something = asyncio.Event()
        self._settled = Place()
        self.ended: Ending | None = None

    def tell(self, changed: Sequence[tuple[Changed, bytes]], settled: Place) -> None:
        """Let that of it wait which is there for who listens; up to `settled` everything was told."""
        self._settled = settled
        if self.ended:
            return
        new = [Told(each.place, sent) for each, sent in changed if is_there(each.news, self.asking)]
        if not new:
            return
        if len(self._waiting) + len(new) > self._most:
            self.end("too_slow")
            return
        self._waiting.extend(new)
        self._something.set()

    def end(self, why: Ending) -> None:
        """Tell no more; what waits is dropped, for it comes again to who goes on from what they have."""
        if self.ended is None:
            self.ended = why
            self._waiting.clear()
            self._something.set()

    async def taken(self, wait_s: float) -> tuple[list[Told], Place]:
        """Return what waits, after so many seconds nothing; and up to where there is no more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._something.wait()
        found = [*self._waiting]
        self._waiting.clear()
        if not self.ended:
            self._something.clear()
        return found, self._settled
