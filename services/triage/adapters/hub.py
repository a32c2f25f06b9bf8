"""What changed is read once for all who listen, while anybody does; and who may listen is looked at as often."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from proofwatch.access.machines import PostgresMachines
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.session import Session
from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.postgres.pool import session
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.pause import pause
from services.triage.adapters.changes import news_after, settled
from services.triage.adapters.seats import MOST_WAITING, Ending, Seat
from services.triage.core.news import Changed, News, Place

if TYPE_CHECKING:
    import asyncpg

MOST_OF_A_SESSION: Final = 4
MOST: Final = 1_000
"""Of a process."""
PAGE: Final = 500
_EVERY_S: Final = 1.0
_LOOKED_AFTER_S: Final = 3.0
_log = structlog.get_logger(__name__)


class NoSeat(Exception):
    """So many listen already; `of_session`: by this very session. The message says what would be right."""

    def __init__(self, *, of_session: bool) -> None:
        self.of_session = of_session
        whose = f"this session has {MOST_OF_A_SESSION} streams" if of_session else f"{MOST} streams are open here"
        super().__init__(f"{whose}, the most there may be: end one, or ask for changes instead")


class Hub:
    """Reads once a second; a part of its process."""

    def __init__(
        self,
        pool: "asyncpg.Pool",
        clock: Clock,
        framed: Callable[[Place, News], bytes],
        unfit: Callable[[], object],
        *,
        every_s: float = _EVERY_S,
        looked_after_s: float = _LOOKED_AFTER_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """`framed`: what is sent of news, made once for all; `unfit`: whether the database is not to be read.

        `looked_after_s`: after so long it is asked again whose session goes on.
        """
        self._pool, self._clock, self._framed, self._unfit = pool, clock, framed, unfit
        self._every_s, self._looked_after_s, self._most_waiting = every_s, looked_after_s, most_waiting
        self._people, self._machines = PostgresPeople(pool), PostgresMachines(pool)
        self._seats: set[Seat] = set()
        self._listening: set[Seat] = set()
        self._place: Place | None = None
        self._looked_s = 0.0
        self._stopped = asyncio.Event()

    def seat(self, token: str, asking: Session) -> Seat:
        """Return a seat, to which nothing is told yet. Raises `NoSeat`."""
        of_session = sum(each.asking.session_id == asking.session_id for each in self._seats)
        if of_session >= MOST_OF_A_SESSION or len(self._seats) >= MOST:
            raise NoSeat(of_session=of_session >= MOST_OF_A_SESSION)
        found = Seat(token, asking, most=self._most_waiting)
        if self._stopped.is_set():
            found.end("stopping")
        self._seats.add(found)
        return found

    def listen(self, seat: Seat, place: Place) -> Place:
        """Tell a seat what changes from now on; return behind which place that is: `place`, or where the hub is."""
        if self._place is None:
            self._place = place
        self._listening.add(seat)
        return self._place

    def leave(self, seat: Seat) -> None:
        """Tell a seat nothing more."""
        self._seats.discard(seat)
        self._listening.discard(seat)

    async def now(self) -> Place:
        """Return how far everything is told. Raises `DatabaseAway`."""
        async with session(self._pool, "stream") as connection:
            return await settled(connection)

    async def after(self, place: Place, asking: Session) -> tuple[list[Changed], Place] | None:
        """Return some of what changed, for who asks, and how far that is; None: nobody can have come so far.

        A page that is not full is the last. Raises `DatabaseAway`.
        """
        tenants = None if asking.tenants is None else sorted(asking.tenants)
        async with session(self._pool, "stream") as connection:
            return await news_after(connection, place, PAGE, tenants)

    async def start(self) -> None:
        """Nothing: nobody listens yet."""

    async def step(self, *, idle: bool = False) -> int:
        """Look whose session goes on, and tell what changed; return how many cases did. Nobody listens: nothing."""
        if not self._listening:
            self._place = None
        if not self._seats:
            return 0
        if self._unfit():
            self._end("unavailable")
            return 0
        try:
            await self._look()
            return await self._read()
        except DatabaseAway as error:  # who listens waits with it: what is not read is told to nobody
            _log.warning("news_not_read", reason=str(error))
            return 0

    async def run(self) -> None:
        """Read every second until `stop`."""
        while not self._stopped.is_set():
            await self.step()
            await pause(self._stopped, self._every_s)

    async def stop(self) -> None:
        """End every stream: the server waits for them."""
        self._stopped.set()
        self._end("stopping")

    def unready(self) -> Sequence[str]:
        """Nothing: who listens hears that the database is away by hearing nothing, as all who ask are told."""
        return []

    async def _look(self) -> None:
        if monotonic() - self._looked_s < self._looked_after_s:
            return
        now, asked = instant_of(self._clock.now_ms()), [*self._seats]  # others may come meanwhile
        tokens = {each.token for each in asked}
        going_on = await self._people.running(tokens, now) | await self._machines.running(tokens, now)
        for each in asked:
            if each.token not in going_on:
                each.end("not_signed_in")
        self._looked_s = monotonic()

    async def _read(self) -> int:
        read = 0
        while self._place is not None:
            async with session(self._pool, "stream") as connection:
                found = await news_after(connection, self._place, PAGE)
            if found is None:  # another database than before
                self._end("unavailable")
                self._place = None
                break
            changed, self._place = found
            told = [(each, self._framed(*each)) for each in changed]
            for seat in [*self._listening]:
                seat.tell(told, self._place)
            read += len(changed)
            if len(changed) < PAGE:
                break
        return read

    def _end(self, why: Ending) -> None:
        for each in self._seats:
            each.end(why)
