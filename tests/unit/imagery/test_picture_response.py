"""However the sending of a picture ends, the view ends, once, and what is entered says how far it got."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from proofwatch.runtime.clock import SimulatedClock
from services.imagery.api.picture_response import PictureResponse
from services.imagery.core.lease import View
from services.imagery.handlers.broker import Showing
from services.imagery.handlers.refusals import Denied
from services.imagery.handlers.sending import Sending

BODY: Final = b"x" * 2500
ALL: Final = ("delivered", "", 2500)
VERSIONS: Final = ("2.3", "2.4")
"""Of ASGI: in the later one a client that is gone is an error of `send`."""
Ends = list[tuple[str, str, int]]
Act = Callable[[], Awaitable[None]]


class Tables:
    """Keeps how views ended; the database may be slow."""

    def __init__(self) -> None:
        self.ends: Ends = []
        self.answers = asyncio.Event()
        self.answers.set()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        await self.answers.wait()
        yield

    async def end_view(self, _tx: None, _view: str, state: str, code: str, sent: int, _now: datetime) -> bool:
        self.ends.append((state, code, sent))
        return True

    async def enter(self, _tx: None, *_entries: object) -> None: ...


class Sent:
    """A picture that is sent; `acts` says what happens at which message."""

    def __init__(self, acts: dict[int, Act] | None = None, seconds: float = 60, still: Act | None = None) -> None:
        self.tables, self.acts, self.sent = Tables(), acts or {}, 0
        given: Any = self.tables
        self.sending = Sending(given, SimulatedClock(1_772_442_000_000), 1000, lambda n: b"0" * n)
        view = View("v1", "l1", "p1", True, datetime(2026, 3, 2, tzinfo=UTC))
        self.sending.in_hand.add(view.view_id)
        delivery = self.sending.delivery(view, BODY, still or nothing)
        self.showing = Showing(view, "image/jpeg", delivery.chunks, delivery.end)
        self.response = PictureResponse(self.showing, seconds)
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, str]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, _: object) -> None:
        number, self.sent = self.sent, self.sent + 1
        if number in self.acts:
            await self.acts[number]()

    async def run(self, version: str) -> Ends:
        given: Any = {"type": "http", "asgi": {"spec_version": version}}, self.receive, self.send
        await self.response(*given)
        return self.over()

    def over(self) -> Ends:
        assert not self.sending.in_hand
        return self.tables.ends


async def nothing() -> None: ...


async def for_ever() -> None:
    await asyncio.Event().wait()


def reached(number: int) -> tuple[str, int]:
    """State and bytes where message `number` was the last: 0 begins the answer, three have bytes, one ends it."""
    sent = min(1000 * number, len(BODY))
    return ("delivered" if sent else "undelivered"), sent


@pytest.mark.parametrize("version", VERSIONS)
async def test_what_was_taken_whole_is_delivered(version: str) -> None:
    assert await Sent().run(version) == [ALL]


@pytest.mark.parametrize("number", range(5))
async def test_who_disconnects_at_any_message_ends_the_view(number: int) -> None:
    case = Sent()

    async def leaves() -> None:
        case.gone.set()
        await for_ever()

    case.acts[number] = leaves
    state, sent = reached(number)
    assert await case.run("2.3") == [(state, "" if number == 4 else "not_taken", sent)]


async def test_who_was_gone_before_it_began_has_seen_nothing() -> None:
    case = Sent()
    case.gone.set()
    assert await case.run("2.3") == [("undelivered", "not_taken", 0)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", range(5))
async def test_what_fails_at_any_message_ends_the_view(number: int, version: str) -> None:
    async def fails() -> None:
        raise ConnectionResetError

    case = Sent({number: fails})
    with suppress(Exception):
        await case.run(version)
    state, sent = reached(number)
    assert case.over() == [(state, "" if number == 4 else "not_taken", sent)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", range(5))
async def test_who_stops_reading_at_any_message_is_cut_off(number: int, version: str) -> None:
    case = Sent({number: for_ever}, seconds=0.01)
    with pytest.raises(Exception):  # noqa: B017 — the server closes the connection, whatever it is
        await case.run(version)
    state, sent = reached(number)
    assert case.over() == [(state, "" if number == 4 else "stalled", sent)]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("number", range(5))
async def test_a_process_that_stops_ends_the_view(number: int, version: str) -> None:
    case = Sent()
    reached_it = asyncio.Event()

    async def waits() -> None:
        reached_it.set()
        await for_ever()

    case.acts[number] = waits
    running = asyncio.create_task(case.run(version))
    await reached_it.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    state, sent = reached(number)
    assert case.over() == [(state, "" if number == 4 else "not_taken", sent)]


async def test_a_view_that_may_not_go_on_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def denied() -> None:
        raise Denied("case_closed")

    monkeypatch.setattr("services.imagery.handlers.sending._LOOK_S", -1)
    case = Sent(still=denied)
    with pytest.raises(Denied):
        await case.run("2.3")
    assert case.over() == [("undelivered", "case_closed", 0)]


async def test_whoever_gives_up_while_the_end_is_entered_has_it_entered_once() -> None:
    case = Sent()
    case.tables.answers.clear()
    running = asyncio.create_task(case.run("2.3"))
    while case.sent < 4:  # noqa: ASYNC110 — the end is being entered, once the last bytes were sent
        await asyncio.sleep(0)
    while not running.done():
        running.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await running
    case.tables.answers.set()
    while case.sending.in_hand:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert case.over() == [ALL]
    await case.showing.end()
    assert case.over() == [ALL]
