"""How the platform is, for who reads that: asked of real processes over HTTP, in the API, and as a page."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from proofwatch.access.roles import Role
from services.console.watched import Watched
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_shift import clean, signed_in, until
from tests.support.axe import hindrances
from tests.support.devtools import Browser

WHY = "soc.suspicions.v1/3: PostgreSQL does not answer"


class Processes:
    """What answers at /ready: by its path's first part, text and status are the test's."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, str]] = {}
        self.ports: dict[str, int] = {}
        self._servers: list[asyncio.Server] = []

    async def begin(self, name: str) -> None:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            status, text = self.answers[name]
            head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
            writer.write((head + text).encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        self._servers.append(server)
        self.ports[name], self.answers[name] = server.sockets[0].getsockname()[1], (200, "ready\n")

    def names(self) -> str:
        return " ".join(f"{name}=http://127.0.0.1:{port}" for name, port in self.ports.items())

    async def end(self) -> None:
        for each in self._servers:
            each.close()


@pytest.fixture
async def processes() -> AsyncIterator[Processes]:
    found = Processes()
    for name in ("scorer", "triage"):
        await found.begin(name)
    yield found
    await found.end()


async def watching(console: Console, names: str) -> Watched:
    """Begin anew with these processes; return what asks them."""
    await console.end()
    console.settings = console.settings.model_copy(update={"console_watched": names})
    await console.begin()
    assert console.service is not None
    return next(each for each in console.service.parts if isinstance(each, Watched))


async def test_it_says_why_not_and_since_when(console: Console, processes: Processes) -> None:
    """Since when: as long as it is so, whatever is asked meanwhile; reasons are for who reads the platform's health."""
    await console.person("sam", Role.SRE)
    await console.person("ada", Role.ANALYST)
    watched = await watching(console, processes.names())
    await watched.step()
    begun = console.now
    processes.answers["triage"] = (503, f"{WHY}\n")
    console.later(minutes=5)
    await watched.step()
    broken = console.now
    console.later(minutes=7)
    await watched.step()
    sam, ada = console.client("sam"), console.client("ada")
    found = {each["name"]: each for each in (await sam.get("/v1/health")).json()["processes"]}

    def text(at: datetime) -> str:
        return at.isoformat().replace("+00:00", "Z")

    assert found == {
        "scorer": {"name": "scorer", "ready": True, "reasons": [], "since": text(begun), "asked_at": text(console.now)},
        "triage": {
            "name": "triage", "ready": False, "reasons": [WHY], "since": text(broken), "asked_at": text(console.now),
        },
    }  # fmt: skip
    page = (await sam.get("/health")).text
    assert "1 of 2 do not work: triage." in page
    assert WHY in page
    assert "for 7 min; asked at" in page
    assert [each["reasons"] for each in (await ada.get("/v1/health")).json()["processes"]] == [[], []]


async def test_up_to_when_triage_has_read_is_said_and_what_that_means(console: Console) -> None:
    await console.person("sam", Role.SRE)
    await console.case()
    sam = console.client("sam")
    read_until = (await sam.get("/v1/health")).json()["read_until"]
    assert read_until
    page = (await sam.get("/health")).text
    assert "This console watches no process" in page
    assert "PROOFWATCH_CONSOLE_WATCHED" in page
    assert "Nothing newer can be a case yet" in page, "events of January, in March"
    await console.pool.execute("update triage.fence set progress_ms = $1", console.now_ms() - 120_000)
    page = (await sam.get("/health")).text
    assert "(2 min ago)" in page
    assert "Nothing newer" not in page


async def test_others_are_refused_in_words(console: Console) -> None:
    """And are led there from nowhere; who reads health and no cases has the way there on every page."""
    for name, role in (("ada", Role.ANALYST), ("root", Role.ADMIN), ("sam", Role.SRE)):
        await console.person(name, role)
    ada = console.client("ada")
    refused = await ada.get("/health")
    assert refused.status_code == 403
    assert "for the roles sre and admin" in refused.text
    assert 'href="/health"' not in (await ada.get("/")).text
    for name in ("root", "sam"):
        client = console.client(name)
        assert (await client.get("/health")).status_code == 200
        assert problem(await client.get("/v1/cases")) == (403, "role_missing")
        assert 'href="/health"' in (await client.get((await client.get("/")).headers["location"])).text
    stranger = await console.client().get("/health")
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/sign-in?next=%2Fhealth")


async def test_what_does_not_answer_is_said_so(console: Console, processes: Processes) -> None:
    await console.person("sam", Role.SRE)
    await processes.end()
    watched = await watching(console, f"{processes.names()} later=http://127.0.0.1:1")
    await watched.step()
    page = (await console.client("sam").get("/health")).text
    assert "it does not answer (ConnectError)" in page
    assert "3 of 3 do not work: scorer, triage, later." in page


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1_280, "light")])
async def test_the_page_hinders_nobody(
    console: Console, processes: Processes, width: int, scheme: str, tmp_path: Path
) -> None:
    """On a telephone as on a screen; from Now one comes there."""
    await console.add("ops", Role.ANALYST, Role.SRE)
    await console.case()
    processes.answers["triage"] = (503, f"{WHY}\n" + "x" * 200 + "\n")
    watched = await watching(console, processes.names())
    await watched.step()
    async with Browser(width, 900) as browser:
        await browser.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.ask("Emulation.setEmulatedMedia", features=features)
        await signed_in(browser, console, "ops", "/")
        await browser.value("document.querySelector('main a[href=\"/health\"]').click()")
        await until(browser, "location.pathname === '/health'")
        assert await browser.value("document.documentElement.scrollWidth <= innerWidth")
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / f"health-{width}-{scheme}.png")
        clean(browser, console)
