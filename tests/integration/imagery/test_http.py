"""The broker over HTTP: what a page may send, and what nothing else may."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from proofwatch.access.one_time_codes import code_at, step_of
from services.imagery.adapters.sessions import PeopleSessions
from services.imagery.api.routes import COOKIE, application
from services.imagery.api.server import Server
from tests.integration.imagery.house import CASE, PASSWORD, TENANT, TRANSACTION, House

ORIGIN = "https://imagery.example"
ASKED = {"tenant": TENANT, "case_id": CASE, "transaction_id": TRANSACTION, "reason": "one face, two names"}


class Page:
    """A page of the console, with its cookie."""

    def __init__(self, client: httpx.AsyncClient, house: House) -> None:
        self.client, self.house, self.cookie = client, house, ""

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        given = {"origin": ORIGIN, "cookie": f"{COOKIE}={self.cookie}", **headers}
        return await self.client.post(f"/api{path}", json=body, headers=given)

    async def sign_in(self, password: str = PASSWORD) -> httpx.Response:
        self.house.later(seconds=30)
        code = code_at(self.house.secrets["ada"], step_of(self.house.now))
        answer = await self.post("/session", {"name": "ada", "password": password, "code": code})
        self.cookie = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")[2]
        return answer

    async def lease(self) -> str:
        answer = await self.post("/imagery/leases", ASKED)
        assert answer.status_code == 201, answer.text
        lease: str = answer.json()["lease_id"]
        return lease


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    app = application(house.broker(), PeopleSessions(house.people, house.clock), ORIGIN)
    server = Server(app, "127.0.0.1", 0)
    await server.start()
    running = asyncio.create_task(server.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as client:
        yield Page(client, house)
    await server.stop()
    await running


async def test_signed_in_asked_and_shown(page: Page) -> None:
    signed = await page.sign_in()
    assert signed.status_code == 204
    cookie = signed.headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert all(each in cookie for each in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    lease = await page.lease()
    view = await page.post(f"/imagery/leases/{lease}/views", {"sharp": True}, range="bytes=0-9")
    assert (view.status_code, view.headers["content-type"], view.content[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
    for name, value in {
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
    }.items():
        assert view.headers[name] == value
    assert "sandbox" in view.headers["content-security-policy"]
    assert "content-range" not in view.headers
    assert not any("s3" in value or "kestrel" in value for value in view.headers.values())
    out = await page.post("/session/end", {})
    assert out.status_code == 204
    again = await page.post(f"/imagery/leases/{lease}/views", {"sharp": True})
    assert (again.status_code, again.json()["code"]) == (401, "not_signed_in")
    assert page.house.fetched == 1


async def test_what_a_browser_does_by_itself_consumes_and_shows_nothing(page: Page) -> None:
    await page.sign_in()
    lease = await page.lease()
    cookie = {"cookie": f"{COOKIE}={page.cookie}", "purpose": "prefetch", "sec-purpose": "prefetch"}
    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        answer = await page.client.request(method, f"/api/imagery/leases/{lease}/views", headers=cookie)
        assert answer.status_code == 405
        assert not answer.headers.get("content-type", "").startswith("image/")
    assert await page.house.pool.fetchval("select views_left from imagery.leases") == page.house.terms.views
    assert page.house.fetched == 0


async def test_another_site_and_a_plain_form_are_refused(page: Page) -> None:
    await page.sign_in()
    lease = await page.lease()
    path = f"/api/imagery/leases/{lease}/views"
    cookie = {"cookie": f"{COOKIE}={page.cookie}"}
    for headers in (
        {"origin": "https://imagery.example.evil.example"},
        {"origin": "null"},
        {},
        {"origin": ORIGIN, "content-type": "text/plain"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    ):
        given = {"content-type": "application/json", **cookie, **headers}
        answer = await page.client.post(path, content=b'{"sharp":true}', headers=given)
        assert (answer.status_code, answer.json()["code"]) == (403, "cross_site")
    assert page.house.fetched == 0


async def test_refusals_say_in_one_sentence_what_and_never_repeat_what_was_sent(page: Page) -> None:
    refused = await page.sign_in("a wrong passphrase")
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_refused")
    malformed = await page.post("/session", {"name": "ada", "password": {"s3cret": 1}, "code": "12"})
    assert (malformed.status_code, "s3cret" in malformed.text) == (422, False)
    assert (await page.post("/imagery/leases", ASKED)).status_code == 401
    await page.sign_in()
    await page.house.release()
    denied = await page.post("/imagery/leases", ASKED)
    assert (denied.status_code, denied.json()) == (
        403,
        {"code": "case_not_assigned", "message": "the case is not assigned to you: take it first"},
    )
    unknown = await page.post("/imagery/leases", {**ASKED, "url": "http://169.254.169.254/"})
    assert unknown.status_code == 422


async def test_store_and_log_that_are_away_have_their_own_answers(page: Page) -> None:
    await page.sign_in()
    lease = await page.lease()
    (page.house.folder / "store" / "imagery" / "kestrel" / TRANSACTION).unlink()
    assert (await page.post(f"/imagery/leases/{lease}/views", {})).status_code == 502
    await page.house.silence()
    answer = await page.post(f"/imagery/leases/{lease}/views", {})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
