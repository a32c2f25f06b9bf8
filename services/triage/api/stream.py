"""News of cases as they come, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Each event's id is a cursor of changes: who goes on from it misses nothing, through the end of a stream or of a process.
"""

import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from proofwatch.bus.errors import DatabaseAway
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.web.cursors import bad_cursor, written
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.desk import PostgresDesk
from services.triage.adapters.hub import PAGE, Hub, NoSeat
from services.triage.adapters.seats import Ending, Seat
from services.triage.api.cursors import place_of
from services.triage.api.refusals import refusals
from services.triage.core.assignments import is_there
from services.triage.core.news import Changed, News, Place

if TYPE_CHECKING:
    import asyncpg

HEARTBEAT_S: Final = 15.0
_AGAIN_MS: Final = (2_000, 5_000)
"""After which a browser comes again; drawn, so that not all come at once where a process has ended."""
TYPE: Final = "text/event-stream"
_HEADERS: Final = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Whatever stands between keeps nothing, packs nothing and holds nothing back."""
_ENDINGS: Final[Mapping[Ending, str]] = {
    "not_signed_in": "the session or the token has ended: sign in again",
    "too_slow": "too much waited for you: come again with the id of the last event, and you miss nothing",
    "stopping": "the console stops: come again with the id of the last event, and you miss nothing",
    "unavailable": "the database is not ready to be read, or another than before: come again later",
}


def framed(place: Place, news: News) -> bytes:
    """Return an event."""
    return b"id: %b\nevent: case\ndata: %b\n\n" % (written(place).encode(), msgspec.json.encode(news))


class Stream:
    """What changes of cases, told to many at once."""

    def __init__(self, desk: PostgresDesk, hub: Hub, clock: Clock, *, heartbeat_s: float = HEARTBEAT_S) -> None:
        self._desk, self.hub, self._clock, self._heartbeat_s = desk, hub, clock, heartbeat_s

    @classmethod
    def of(cls, desk: PostgresDesk, pool: "asyncpg.Pool", clock: Clock, unfit: Callable[[], object]) -> "Stream":
        """Return it with a hub of its own, which is a part of the process. `unfit`: as `Hub` has it."""
        return cls(desk, Hub(pool, clock, framed, unfit), clock)

    async def opened(self, caller: Caller, cursor: str) -> "EventStream":
        """Return a stream of what changed behind a cursor; '': from now on. Raises `Problem`."""
        after = place_of(cursor) if cursor else None
        with refusals(caller.session):
            asking = await self._desk.session(caller.token, instant_of(self._clock.now_ms()), used=False)
            try:
                seat = self.hub.seat(caller.token, asking)
            except NoSeat as error:
                raise Problem(429, "too_many_streams", str(error)) from None
            try:
                first = await self._first(seat, after)
            except BaseException:
                self.hub.leave(seat)
                raise
        return EventStream(self._events(seat, *first), lambda: self.hub.leave(seat))

    async def _first(self, seat: Seat, after: Place | None) -> tuple[Sequence[Changed], Place]:
        if after is None:
            return (), await self.hub.now()
        found = await self.hub.after(after, seat.asking)
        if found is None:
            raise bad_cursor()
        return found

    async def _events(self, seat: Seat, changed: Sequence[Changed], place: Place) -> AsyncIterator[bytes]:
        yield b"retry: %d\n" % random.randint(*_AGAIN_MS) + _until(place if len(changed) < PAGE else None)
        try:
            async for told, place in self._told(seat, changed, place):  # noqa: B020 — it is how far one has come
                yield told or b": nothing new\n" + _until(place)
        except DatabaseAway:
            seat.end("unavailable")
        if seat.ended:
            said = {"code": seat.ended, "detail": _ENDINGS[seat.ended]}
            yield b"event: end\ndata: %b\n\n" % msgspec.json.encode(said)

    async def _told(self, seat: Seat, changed: Sequence[Changed], place: Place) -> AsyncIterator[tuple[bytes, Place]]:
        """Give what is sent and how far that is, until the seat has ended: first what is behind, then what comes."""
        begin = None
        while not seat.ended:
            if there := b"".join(framed(*each) for each in changed if is_there(each.news, seat.asking)):
                yield there, place
            if len(changed) < PAGE and begin is None:
                begin = self.hub.listen(seat, place)
            if begin is not None and begin <= place:
                break
            found = await self.hub.after(place, seat.asking)
            if found is None:
                seat.end("unavailable")
                return
            changed, place = found
        while not seat.ended:
            waited, settled = await seat.taken(self._heartbeat_s)
            there = b"".join(each.sent for each in waited if each.place > place)
            place = max(place, settled)
            yield there, place


class EventStream(StreamingResponse):
    """The answer; however it ends, `left` is called."""

    media_type = TYPE

    def __init__(self, events: AsyncIterator[bytes], left: Callable[[], None]) -> None:
        super().__init__(events, headers=_HEADERS)
        self._left = left

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until somebody ends it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._left()


def _until(place: Place | None) -> bytes:
    """Return that everything up to a place was told; who comes again goes on from there."""
    return b"id: %b\n\n" % written(place).encode() if place else b"\n"
