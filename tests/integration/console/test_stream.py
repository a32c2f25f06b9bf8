"""News of cases as they come, over a real server: nothing is missed, and nobody hears what is not there for them."""

import asyncio
import base64
import random

import httpx

from proofwatch.access.roles import Role
from tests.integration.access.house import BY
from tests.integration.console.house import Console
from tests.integration.console.listener import Listener, listening
from tests.integration.console.test_api import problem

TOUCH = "update triage.cases set version = version where case_id = $1"


async def heard(listener: Listener, many: int) -> list[tuple[str, str]]:
    found = [await listener.next() for _ in range(many)]
    assert all(each is not None and each.kind == "case" for each in found), found
    return [(each.data["case_id"], each.data["stage"]) for each in found if each]


async def ending(listener: Listener) -> str:
    while event := await listener.next():
        if event.kind == "end":
            assert await listener.next() is None
            return str(event.data["code"])
    raise AssertionError("the stream ended without a word")


async def test_what_changes_comes_by_itself(console: Console) -> None:
    """As ids, versions and stages; with headers that keep whatever stands between from holding it back."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    async with listening(console, "ada") as listener:
        await listener.until_id()
        assert listener.raw.startswith("retry: ")
        headers = listener.answer.headers
        assert headers["content-type"].startswith("text/event-stream")
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store, no-transform", "no")
        seen = await ada.get(f"/v1/cases/{case}")
        taken = await ada.post(f"/v1/cases/{case}/take", if_match=seen.headers["etag"])
        event = await listener.next()
        assert event is not None
        assert event.data == {
            "case_id": case, "version": taken.json()["case"]["version"], "tenant": "acme", "queue": "soc",
            "state": "escalated", "stage": "assigned", "part_of": None, "opened_at": event.data["opened_at"],
        }  # fmt: skip
        other = await console.case()
        assert await heard(listener, 1) == [(other, "new")]


async def test_who_comes_again_misses_nothing(console: Console) -> None:
    """By the id of the last event, which goes before the address's cursor; and from where `changes` ended."""
    await console.person("ada", Role.ANALYST)
    ada, first = console.client("ada"), await console.case()
    cursor = (await ada.get("/v1/cases/changes")).json()["next"]
    cases = [await console.case() for _ in range(3)]
    async with listening(console, "ada", cursor) as listener:
        assert await heard(listener, 2) == [(each, "new") for each in cases[:2]]
        event = await listener.next()
        assert event is not None
        last = event.id
    meanwhile = await console.case()
    await console.pool.execute(TOUCH, first)
    async with listening(console, "ada", cursor, last) as listener:
        assert await heard(listener, 2) == [(meanwhile, "new"), (first, "new")]


async def test_of_many_writers_and_broken_streams_the_last_of_each_case_is_heard(console: Console) -> None:
    """Transactions of different lengths, some of which are undone; whoever listens is cut off again and again."""
    await console.person("ada", Role.ANALYST)
    cases = [await console.case() for _ in range(6)]
    last: dict[str, str] = {}

    async def changes(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            async with console.pool.acquire() as connection:
                running = connection.transaction()
                await running.start()
                await connection.execute(TOUCH, chance.choice(cases))
                await asyncio.sleep(chance.random() / 10)
                await (running.commit() if chance.random() < 0.8 else running.rollback())

    async def listens(at: str, events: int) -> str:
        async with listening(console, "ada", at) as listener:
            await listener.until_id()
            for _ in range(events):
                event = await listener.next()
                assert event is not None
                last[event.data["case_id"]] = event.data["version"]
            return listener.last_id

    place = (await console.client("ada").get("/v1/cases/changes?limit=500")).json()["next"]
    work = asyncio.gather(*map(changes, range(4)))
    while not work.done():
        place = await listens(place, 3)
        await asyncio.sleep(0.1)
    await work
    marker = await console.case()
    async with listening(console, "ada", place) as listener:
        while (event := await listener.next()) and event.data["case_id"] != marker:
            last[event.data["case_id"]] = event.data["version"]
    page = (await console.client("ada").get("/v1/cases?limit=500")).json()["cases"]
    now = {each["case_id"]: each["version"] for each in page if each["case_id"] != marker}
    assert {case: version for case, version in last.items() if case in now} == last
    assert all(now[case] == version for case, version in last.items())
    assert last


async def test_others_hear_their_own(console: Console) -> None:
    """Another tenant's people nothing; the Research Group what is referred to it; nothing of it is an entry."""
    await console.person("ada", Role.ANALYST)
    await console.person("eve", Role.CHECKER, tenants=("other",))
    await console.person("rita", Role.RESEARCHER)
    entries = len(await console.entries())
    async with listening(console, "ada") as ada, listening(console, "eve") as eve, listening(console, "rita") as rita:
        begun = [await each.until_id() for each in (ada, eve, rita)]
        hidden = await console.case()
        assert await heard(ada, 1) == [(hidden, "new")]
        await console.pool.execute("update triage.cases set queue = 'research' where case_id = $1", hidden)
        assert await heard(ada, 1) == [(hidden, "new")]
        assert await heard(rita, 1) == [(hidden, "new")]
        own = await console.case(tenant="other")
        assert await heard(eve, 1) == [(own, "new")]
        assert begun[1] != eve.last_id
    async with listening(console, "eve", last_id=begun[1]) as again:
        assert await heard(again, 1) == [(own, "new")]
    assert len(await console.entries()) == entries


async def test_a_stream_ends_with_its_session(console: Console) -> None:
    """Signed out, roles changed, revoked, idle for too long: it says so, and none can be opened anew."""
    for name in ("ada", "bob", "cal", "dan"):
        await console.person(name, Role.ANALYST)
    async with (
        listening(console, "ada") as ada,
        listening(console, "bob") as bob,
        listening(console, "cal") as cal,
        listening(console, "dan") as dan,
    ):
        for each in (ada, bob, cal, dan):
            await each.until_id()
        assert (await console.client("ada").post("/v1/session/end")).status_code == 204
        await console.register.give_roles("bob", [Role.APPROVER], None, BY, console.now)
        await console.register.revoke("cal", BY, console.now)
        assert [await ending(each) for each in (ada, bob, cal)] == ["not_signed_in"] * 3
        for _ in range(4):
            console.later(minutes=4)  # listening is no use of the session
        assert await ending(dan) == "not_signed_in"
    for name in ("ada", "bob", "cal", "dan"):
        async with listening(console, name) as refused:
            assert problem(refused.answer) == (401, "not_signed_in")


async def test_streams_end_at_once_when_the_console_stops(console: Console) -> None:
    """And go on at the next process from where they were."""
    await console.person("ada", Role.ANALYST)
    async with listening(console, "ada") as listener:
        place = await listener.until_id()
        stopping = asyncio.create_task(console.end())
        assert await ending(listener) == "stopping"
        await stopping
    case = await console.case()
    await console.begin()
    async with listening(console, "ada", last_id=place) as listener:
        assert await heard(listener, 1) == [(case, "new")]


async def test_a_session_has_so_many_streams(console: Console) -> None:
    """One that was left is given back at once."""
    await console.person("ada", Role.ANALYST)
    for _ in range(6):
        async with listening(console, "ada") as listener:
            await listener.until_id()
    async with (
        listening(console, "ada"),
        listening(console, "ada"),
        listening(console, "ada"),
        listening(console, "ada"),
        listening(console, "ada") as fifth,
    ):
        assert problem(fifth.answer) == (429, "too_many_streams")


async def test_a_cursor_of_nobody_is_a_problem(console: Console) -> None:
    await console.person("ada", Role.ANALYST)
    ahead = base64.urlsafe_b64encode(b'[4611686018427387000,"x"]').decode().rstrip("=")
    for wrong in ("nonsense", "W10", ahead):
        async with listening(console, "ada", wrong) as by_address, listening(console, "ada", last_id=wrong) as by_id:
            assert problem(by_address.answer) == problem(by_id.answer) == (422, "bad_cursor")


async def test_who_may_see_no_case_hears_nothing(console: Console) -> None:
    """It is an entry."""
    await console.person("root", Role.ADMIN)
    async with listening(console, "root") as refused:
        assert problem(refused.answer) == (403, "role_missing")
    assert [each.outcome for each in await console.entries() if each.action == "cases.read"] == ["denied"]


async def test_a_database_that_was_restored_ends_them(console: Console) -> None:
    """As everything else is refused, until it knows every erasure; and so does one that is another than before."""
    await console.person("ada", Role.ANALYST)
    assert console.service is not None
    known = console.service.parts[0]

    async with listening(console, "ada") as listener:
        await listener.until_id()
        known._unknown = "2 erasures are not known here"  # type: ignore[attr-defined]
        assert await ending(listener) == "unavailable"
    async with listening(console, "ada") as refused:
        assert refused.answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
