"""The page in a real browser, by keyboard alone: blurred first, sharp by a second key, nothing left when it is left."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.web.server import Server
from proofwatch.web.sessions import PeopleSessions
from services.imagery.api.routes import application
from tests.integration.imagery.house import CASE, PASSWORD, TENANT, TRANSACTION, House
from tests.support.devtools import Browser
from tests.support.runner import free_port

_PIXELS: Final = "(() => { const c = document.getElementById('picture'); return c.width * c.height; })()"
_SEEN: Final = "document.getElementById('picture').toDataURL()"
_TOLD: Final = "document.getElementById('told').textContent"


@pytest.fixture
async def origin(house: House) -> AsyncIterator[str]:
    broker, port = house.broker(), free_port()
    address = f"http://localhost:{port}"
    app = application(broker, house.glass(broker), PeopleSessions(house.people, house.clock), address)
    server = Server(app, "127.0.0.1", port)
    await server.start()
    running = asyncio.create_task(server.run())
    yield address
    await server.stop()
    await running


async def typed(browser: Browser, *texts: str) -> None:
    """Type into one field after the other, from where the focus is, and press Enter."""
    for at, text in enumerate(texts):
        if at:
            await browser.press("Tab")
        await browser.type(text)
    await browser.press("Enter")


async def signed_in(browser: Browser, house: House, address: str) -> None:
    house.later(seconds=30)
    await browser.open(f"{address}/#tenant={TENANT}&case_id={CASE}&transaction_id={TRANSACTION}")
    await browser.until("document.activeElement.name === 'name'")
    await typed(browser, "ada", PASSWORD, code_at(house.secrets["ada"], step_of(house.now)))
    await browser.until("document.activeElement.name === 'reason'")


@pytest.mark.timeout(600)
async def test_a_picture_is_looked_at_by_keyboard_alone(house: House, origin: str, tmp_path: Path) -> None:
    async with Browser() as browser:
        await signed_in(browser, house, origin)
        assert await browser.value("location.hash") == "", "what is looked at stands in no address"
        await browser.screenshot(tmp_path / "asking.png")
        await typed(browser, "one face, two names")
        await browser.until(f"{_PIXELS} > 0")
        await browser.screenshot(tmp_path / "blurred.png")
        blurred = await browser.value(_SEEN)
        for _ in range(3):
            await browser.press("s", repeat=True)
        assert house.fetched == 1, "a key that is held down is not a second one"
        await browser.press("s")
        await browser.until(f"{_TOLD}.startsWith('Sharp')")
        await browser.screenshot(tmp_path / "sharp.png")
        assert await browser.value(_SEEN) != blurred
        assert house.fetched == 2
        await browser.press("s")
        assert house.fetched == 2, "the grant gives two"
        await browser.press("Escape")
        assert await browser.value(_PIXELS) == 0
        whole = await browser.value("document.documentElement.outerHTML")
        asked = browser.requests
        assert not any("s3" in each or "kestrel" in each or TRANSACTION in each for each in asked), asked
        assert {each.rpartition("/")[0] for each in asked if not each.startswith("data:")} >= {origin}
        assert all(each.startswith((f"{origin}/", "data:")) for each in asked), asked
        assert "s3://" not in whole
        assert "blob:" not in whole
        assert browser.complaints == []


@pytest.mark.timeout(600)
async def test_nothing_is_left_when_the_page_is_left_and_a_refusal_is_said(house: House, origin: str) -> None:
    async with Browser() as browser:
        await signed_in(browser, house, origin)
        await typed(browser, "one face, two names")
        await browser.until(f"{_PIXELS} > 0")
        await browser.value("dispatchEvent(new PageTransitionEvent('pagehide')), 1")
        assert await browser.value(_PIXELS) == 0
        assert await browser.value("document.getElementById('look').hidden")
        await house.release()
        await browser.until("document.activeElement.name === 'reason'")
        await browser.press("Enter")
        await browser.until(f"{_TOLD}.includes('not assigned to you')")
        assert await browser.value(_PIXELS) == 0
        await house.assign("ada")
        await browser.press("Enter")
        await browser.until(f"{_PIXELS} > 0")
        await browser.open("about:blank#left")
        await browser.ask("Page.navigateToHistoryEntry", entryId=await previous(browser))
        await browser.until("document.getElementById('sign-in') !== null")
        assert await browser.value(_PIXELS) == 0, "coming back shows nothing"
        assert await browser.value("document.getElementById('look').hidden")


async def previous(browser: Browser) -> int:
    found = await browser.ask("Page.getNavigationHistory")
    number: int = found["entries"][found["currentIndex"] - 1]["id"]
    return number


async def test_the_page_lets_nothing_else_in(origin: str) -> None:
    """No frame around it, no script but its own, no address of anything else, nothing kept."""
    async with httpx.AsyncClient(base_url=origin.replace("localhost", "127.0.0.1")) as client:
        for path in ("/", "/viewer.js", "/viewer.css"):
            answer = await client.get(path)
            policy = answer.headers["content-security-policy"]
            assert answer.status_code == 200
            assert "unsafe" not in policy
            for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
                assert part in policy
            assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")
            assert "http" not in answer.text
        for path in ("/viewer/index.html", "/../config.py", "/viewer.js/..%2f..%2fconfig.py", "/docs", "/openapi.json"):
            assert (await client.get(path)).status_code == 404
