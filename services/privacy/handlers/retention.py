"""Retention that runs by itself, once a day, in batches; and the readiness of the process, which does nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from typing import Final

import structlog

from proofwatch.audit.entry import Actor
from proofwatch.bus.errors import Blocked, BusUnavailable
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.pause import pause
from services.privacy.core.acts import PRIVACY
from services.privacy.core.retention import Rule
from services.privacy.ports import RetentionStore

AT_ONCE: Final = 1_000
_EVERY_S: Final = 60.0
_SOON_S: Final = 2.0
_log = structlog.get_logger(__name__)


class Retention:
    """A part of the service (`runtime.service.Part`): looks every minute whether the day's run is to be done."""

    def __init__(
        self,
        store: RetentionStore,
        rules: Sequence[Rule],
        clock: Clock,
        known: Callable[[], Awaitable[None]],
        every_s: float = _EVERY_S,
    ) -> None:
        """`known` raises `ErasuresUnknown` while the database, restored, has erased people again."""
        self._store, self._rules, self._clock, self._known = store, rules, clock, known
        self._every_s = every_s
        self._waits_for = "retention has not looked yet"
        self._away = Condition(_log, "retention_waits")
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Nothing to acquire."""

    async def step(self, *, idle: bool = False) -> int:
        """Do the run of the day, if nobody has; return how much was removed. Raises `Blocked`, `BusUnavailable`."""
        await self._known()
        day = await self._store.begin(instant_of(self._clock.now_ms()))
        if day is None:
            return 0
        figures = await ran(self._store, day, self._rules, self._clock, PRIVACY, self._stopping)
        return sum(count for name, count in figures.items() if name.startswith("removed."))

    async def run(self) -> None:
        """Look again and again until `stop`; what is away is waited for."""
        while not self._stopping.is_set():
            try:
                await self.step()
            except (Blocked, BusUnavailable) as error:
                self._waits_for = str(error)
                self._away.holds(type(error).__name__, reason=str(error))
            else:
                self._waits_for = ""
                self._away.clears()
            await pause(self._stopping, _SOON_S if self._waits_for else self._every_s)

    async def stop(self) -> None:
        """Remove no more; the batch in hand is ended."""
        self._stopping.set()

    def unready(self) -> Sequence[str]:
        """Return what is waited for; empty: it runs."""
        return [self._waits_for] if self._waits_for else []


async def ran(
    store: RetentionStore,
    day: date,
    rules: Sequence[Rule],
    clock: Clock,
    by: Actor,
    stopping: asyncio.Event | None = None,
) -> Mapping[str, int]:
    """Do a run that was begun; return what went and what stayed. One that is stopped is gone on with by the next."""
    for rule in rules:
        while await store.remove(day, rule, instant_of(clock.now_ms()), AT_ONCE) >= AT_ONCE:
            if stopping and stopping.is_set():
                return {}
    figures = await store.end(day, rules, instant_of(clock.now_ms()), by)
    _log.info("retention_ran", **figures)
    return figures
