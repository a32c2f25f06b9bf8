"""What nobody ended: a view whose process died counts as seen; minutes that were agreed to are over."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from typing import Final

import structlog

from proofwatch.audit.entry import SALT_BYTES
from proofwatch.bus.errors import DatabaseAway
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.pause import pause
from services.imagery.core import acts
from services.imagery.ports import Store

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 15.0


class Sweep:
    """A part of the service: ends views that no process has in hand any more, and what else is over."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        sending: Collection[str],
        after_s: float,
        others: Callable[[], Awaitable[int]],
    ) -> None:
        """`sending`: what this process has in hand; `after_s`: longer than any process keeps a view.

        `others` ends what else is over, and returns how many there were.
        """
        self._others = others
        self._store, self._clock, self._sending, self._after = store, clock, sending, timedelta(seconds=after_s)
        self._stopping = asyncio.Event()
        self._away = Condition(_log, "imagery_sweep_unavailable")

    async def start(self) -> None:
        """Nothing to acquire."""

    async def step(self, *, idle: bool = False) -> int:
        """End what is overdue; return how many there were."""
        now = instant_of(self._clock.now_ms())
        ended = 0
        async with self._store.transaction() as tx:
            for view in await self._store.begun_before(tx, now - self._after):
                if view.view_id in self._sending:
                    continue
                await self._store.end_view(tx, view.view_id, "presumed_seen", "process_ended", 0, now)
                salt = secrets.token_bytes(SALT_BYTES)
                await self._store.enter(tx, acts.over(view, "presumed_seen", "process_ended", 0, now, salt))
                ended += 1
        return ended + await self._others()

    async def run(self) -> None:
        """Look again and again."""
        while not self._stopping.is_set():
            try:
                await self.step()
                self._away.clears()
            except DatabaseAway as error:
                self._away.holds(error.kind, reason=str(error))
            await pause(self._stopping, _EVERY_S)

    async def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def unready(self) -> Sequence[str]:
        """Return nothing: views are shown without it."""
        return []
