"""One reads for all who listen; on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.web.cursors import written
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.triage.adapters.hub import Hub
from services.triage.api.stream import Stream, framed
from services.triage.core.news import Place
from tests.integration.triage.house import Desk

LISTENERS = 200


class Streams:
    """A hub that a test steps, and those who listen to it."""

    def __init__(self, desk: Desk, pool: Any, **given: Any) -> None:
        self._desk = desk
        self.hub = Hub(pool, self, framed, lambda: False, looked_after_s=0.0, **given)
        self._stream = Stream(desk.desk, self.hub, self, heartbeat_s=0.01)

    def now_ms(self) -> int:
        return round(self._desk.now.timestamp() * 1000)

    async def open(self, token: str, cursor: str = "") -> AsyncIterator[bytes]:
        """Return what is sent, up to the place from which on one listens."""
        asking = await self._desk.desk.session(token, self._desk.now)
        answer = await self._stream.opened(Caller(token, asking), cursor)
        return answer.body_iterator  # type: ignore[return-value]


async def until(events: AsyncIterator[bytes], text: str) -> str:
    """Read on until this has come; return all of it."""
    found = ""
    async with asyncio.timeout(60):
        while text not in found:
            found += (await anext(events)).decode()
    return found


async def test_two_hundred_cost_what_one_does(desk: Desk, postgres_dsn: str) -> None:
    """A look whose sessions go on, and one at what changed, however many listen; each hears of the case once."""
    asked: list[str] = []

    async def noted(connection: Any) -> None:
        connection.add_query_logger(lambda record: asked.append(record.query))

    tokens = [await desk.person(f"p{number}", Role.ANALYST) for number in range(LISTENERS // 4)]
    await desk.pool.execute("update access.sessions set seen_at = $1", desk.now)  # each came half a minute later
    pool = await create_pool(postgres_dsn, init=noted)
    try:
        streams = Streams(desk, pool)
        listeners = [await streams.open(each) for each in tokens for _ in range(4)]
        for each in listeners:
            await anext(each)
            await anext(each)  # it listens
        await streams.hub.step()  # a connection asks once what the types of a statement are
        asked.clear()
        case = await desk.case()
        await streams.hub.step()
        assert len(asked) == 2, asked
        heard = await asyncio.gather(*(until(each, case) for each in listeners))
        assert len(heard) == LISTENERS
        assert all(each.count(f'"case_id":"{case}"') == 1 for each in heard)
        asked.clear()
        await streams.hub.step()
        assert len(asked) == 2, asked
    finally:
        await pool.close()


async def test_nobody_listens_and_nothing_is_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await desk.person("ada", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    listener = await streams.open(ada)
    await until(listener, "nothing new")
    await listener.aclose()  # type: ignore[attr-defined]
    for each in [*streams.hub._seats]:
        streams.hub.leave(each)
    monkeypatch.setattr("services.triage.adapters.hub.session", None)
    assert await streams.hub.step() == 0


async def test_who_is_too_slow_is_told_and_goes_on_from_the_last_id(desk: Desk) -> None:
    """Of what waited nothing is lost, and nobody else is kept waiting."""
    ada = await desk.person("ada", Role.ANALYST)
    streams = Streams(desk, desk.pool, most_waiting=3)
    slow, quick = await streams.open(ada), await streams.open(ada)
    begun = [await until(each, "nothing new") for each in (slow, quick)]
    last = begun[0].split("id: ")[-1].split("\n")[0]
    cases = []
    for _ in range(5):
        cases.append(await desk.case())
        await streams.hub.step()
        await until(quick, cases[-1])
    found = await until(slow, "too_slow")
    assert "event: case" not in found
    with pytest.raises(StopAsyncIteration):
        await anext(slow)
    again = await until(await streams.open(ada, last), cases[-1])
    assert [again.index(each) for each in cases] == sorted(again.index(each) for each in cases)


async def test_what_is_far_behind_comes_in_pages_and_then_what_is_new(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once: what is read from behind, what the hub told others before this one listens, and what it tells then."""
    for where in ("adapters.hub", "api.stream"):
        monkeypatch.setattr(f"services.triage.{where}.PAGE", 2)
    ada = await desk.person("ada", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    first = await streams.open(ada)
    await until(first, "nothing new")
    cases = [await desk.case() for _ in range(5)]  # the hub has not seen them
    second = await streams.open(ada, written(Place()))
    found = await until(second, cases[4])  # the last page; it does not listen yet
    cases.append(await desk.case())
    await streams.hub.step()
    found += await until(second, cases[5])
    third = await streams.open(ada, written(Place()))
    behind = await until(third, "nothing new")
    cases.append(await desk.case())
    fourth = await streams.open(ada, written(Place()))
    behind_of_all = await until(fourth, "nothing new")  # it has read the last case, which the hub has not told
    await streams.hub.step()
    found += await until(second, cases[6])
    behind += await until(third, cases[6])
    cases.append(await desk.case())
    await streams.hub.step()
    found += await until(second, cases[7])
    behind += await until(third, cases[7])
    behind_of_all += await until(fourth, cases[7])
    for heard in (found, behind, behind_of_all, await until(first, cases[7])):
        assert [heard.count(f'"case_id":"{each}"') for each in cases] == [1] * 8


async def test_what_is_committed_late_is_told_once_and_then(desk: Desk) -> None:
    """A transaction that began first and ends last: what was committed meanwhile waits with it."""
    ada = await desk.person("ada", Role.ANALYST)
    early, late = await desk.case(), await desk.case()
    streams = Streams(desk, desk.pool)
    listener = await streams.open(ada)
    await until(listener, "nothing new")
    touch = "update triage.cases set version = version where case_id = $1"
    async with desk.pool.acquire() as connection:
        running = connection.transaction()
        await running.start()
        await connection.execute(touch, early)
        await desk.pool.execute(touch, late)
        assert await streams.hub.step() == 0
        await running.commit()
    assert await streams.hub.step() == 2
    found = await until(listener, late)
    assert found.index(early) < found.index(late)
    assert await streams.hub.step() == 0


async def test_a_database_that_is_away_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is sent away, and what changed meanwhile is told then."""
    ada = await desk.person("ada", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    listener = await streams.open(ada)
    await until(listener, "nothing new")
    case = await desk.case()

    async def away(*_: object) -> None:
        raise DatabaseAway("does not answer")

    with monkeypatch.context() as broken:
        broken.setattr("services.triage.adapters.hub.news_after", away)
        assert await streams.hub.step() == 0
    assert await streams.hub.step() == 1
    assert '"end"' not in await until(listener, case)


async def test_a_process_has_so_many_streams(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever they are of."""
    monkeypatch.setattr("services.triage.adapters.hub.MOST", 1)
    ada, bob = await desk.person("ada", Role.ANALYST), await desk.person("bob", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    await streams.open(ada)
    with pytest.raises(Problem, match="1 streams are open here") as refused:
        await streams.open(bob)
    assert (refused.value.status, refused.value.code) == (429, "too_many_streams")


async def test_another_database_than_before_ends_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose transactions are numbered anew: nothing of it goes on from where they were."""
    ada = await desk.person("ada", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    listener = await streams.open(ada)
    await until(listener, "nothing new")
    streams.hub._place = Place(2**60, "~")
    await streams.hub.step()
    assert '"code":"unavailable"' in await until(listener, "event: end")


async def test_who_comes_while_it_is_looked_whose_sessions_go_on_stays(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Theirs was not asked for: that it is not among those that go on says nothing."""
    ada, bob = await desk.person("ada", Role.ANALYST), await desk.person("bob", Role.ANALYST)
    streams = Streams(desk, desk.pool)
    await anext(await streams.open(ada))
    asking = await desk.desk.session(bob, desk.now)
    running, late = streams.hub._people.running, []

    async def slowly(*given: Any) -> frozenset[str]:
        late.append(streams.hub.seat(bob, asking))
        return await running(*given)

    monkeypatch.setattr(streams.hub._people, "running", slowly)
    await streams.hub.step()
    assert [each.ended for each in late] == [None]
