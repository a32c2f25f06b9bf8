"""The broker over HTTP: what a page may send, and what nothing else may."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.roles import Role
from proofwatch.command_line.session_file import write_token
from proofwatch.web.server import Server
from proofwatch.web.sessions import PeopleSessions
from services.cli import main
from services.imagery.api.routes import COOKIE, application
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
    broker = house.broker()
    app = application(broker, house.glass(broker), PeopleSessions(house.people, house.clock), ORIGIN)
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


async def test_two_people_break_the_glass_over_http_and_at_the_command_line(
    page: Page, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFWATCH_IMAGERY_ORIGIN", ORIGIN)
    await page.house.add("cleo", Role.CHECKER)
    await page.house.release()
    page.house.later(seconds=30)
    sessions: dict[str, Path] = {}
    for name in ("ada", "cleo"):
        digits = code_at(page.house.secrets[name], step_of(page.house.now))
        token, _ = await page.house.people.sign_in(name, PASSWORD, digits, page.house.now)
        write_token(sessions.setdefault(name, tmp_path / name), token)
        if name == "ada":
            page.cookie = token
    assert (await page.post("/imagery/leases", ASKED)).status_code == 403
    asked = await page.post("/imagery/glass", ASKED)
    assert (asked.status_code, asked.json()["uses"]) == (201, 2)
    glass = asked.json()["glass_id"]
    own = await page.post(f"/imagery/glass/{glass}/agree", {"reason": "x"})
    assert (own.status_code, own.json()["code"]) == (403, "own_glass")

    async def told(*arguments: str) -> tuple[int, str, str]:
        given = ["imagery", *arguments, "--url", f"http://127.0.0.1:{page.client.base_url.port}"]
        code = await asyncio.to_thread(main, given)
        said = capsys.readouterr()
        return code, said.out, said.err

    code, _, err = await told("glass-agree", glass, "--as", str(sessions["ada"]), "--reason", "x")
    assert (code, "a second person does" in err) == (1, True)
    code, out, _ = await told("glass-agree", glass, "--as", str(sessions["cleo"]), "--reason", "I know of it")
    assert (code, "it opens until" in out) == (0, True)
    assert await page.lease()
    code, out, _ = await told("glass-end", glass, "--as", str(sessions["cleo"]))
    assert (code, "nothing is opened through it any more" in out) == (0, True)
    refused = await page.post("/imagery/leases", ASKED)
    assert (refused.status_code, refused.json()["code"]) == (403, "glass_stopped")
    again = ["--tenant", TENANT, "--case", CASE, "--transaction", TRANSACTION, "--reason", "once more"]
    code, out, _ = await told("glass-ask", *again, "--as", str(sessions["ada"]))
    assert (code, "proofwatch imagery glass-agree" in out) == (0, True)
    for arguments, why in (
        (["glass-end", "../../session/end", "--as", str(sessions["ada"])], "no id"),
        (["glass-end", "x", "--as", str(tmp_path / "nobody")], "sign in with"),
        (["glass-end", "x", "--as", str(sessions["ada"]), "--url", "http://imagery.example"], "over https"),
        (["glass-end", "x", "--as", str(sessions["ada"]), "--url", "http://127.0.0.1:9"], "does not answer"),
    ):
        code = await asyncio.to_thread(main, ["imagery", *arguments])
        assert (code, why in capsys.readouterr().err) == (2, True), arguments


async def test_what_cannot_be_is_refused_in_one_sentence_and_nothing_is_kept_or_told(page: Page) -> None:
    """Zeros, terminal escapes, nothing at all, other forms of an id, and bodies that never end."""
    await page.sign_in()
    before = len(await page.house.entries())
    for body in (
        {**ASKED, "case_id": ""},
        {**ASKED, "tenant": ""},
        {**ASKED, "transaction_id": "a\0b"},
        {**ASKED, "reason": "\x1b]0;owned\x07"},
        {**ASKED, "reason": "two\nlines"},
        {**ASKED, "reason": "c1\x9b31m"},
        {**ASKED, "purpose": "curiosity"},
        [ASKED],
    ):
        answer = await page.post("/imagery/leases", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed"), body
        assert "owned" not in answer.text
    for path in ("/imagery/leases/a%00b/views", "/imagery/glass/%ff/agree", "/imagery/leases/..%2F..%2Fx/views"):
        assert (await page.post(path, {"reason": "x"} if "glass" in path else {})).status_code in (404, 422)
    large = await page.post("/imagery/leases", {**ASKED, "reason": "x" * 20_000})
    assert (large.status_code, large.json()["code"]) == (413, "too_large")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(1_000):
            yield b" " * 1_024

    headers = {"origin": ORIGIN, "content-type": "application/json"}
    endless_one = await page.client.post("/api/session", content=endless(), headers=headers)
    assert endless_one.status_code == 413
    for answer in (large, endless_one, await page.client.get("/nowhere"), await page.post("/imagery/leases", ASKED)):
        assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert len(await page.house.entries()) == before + 1


async def test_what_no_page_sends_is_refused_too_and_never_breaks_the_broker(page: Page) -> None:
    """Written by hand: halves of characters, depth, other numbers, cookies of no kind, two of one."""
    await page.sign_in()
    before = len(await page.house.entries("access."))
    wanted = json.dumps(ASKED).encode()
    half, deep = b"\\ud800", b"[" * 7_000 + b"]" * 7_000
    sign_in = b'{"name":"%s","password":"%s","code":"%s"}'
    tried = [
        ("/imagery/leases", wanted.replace(b"one face", half)),
        ("/imagery/leases", wanted.replace(CASE.encode(), half)),
        ("/imagery/leases", wanted.replace(b'"one face, two names"', deep)),
        ("/imagery/leases", wanted.replace(b'"one face, two names"', b"1e400")),
        ("/imagery/leases", wanted.replace(b'"one face, two names"', b"NaN")),
        ("/imagery/leases", b""),
        ("/session", sign_in % (half, b"four unrelated words here", b"123456")),
        ("/session", sign_in % (b"ada", half, b"123456")),
        ("/session", sign_in % (b"ada", b"x", "\u0661\u0662\u0663\u0664\u0665\u0666".encode())),
        ("/session/confirm", b'{"code":"123456\\n"}'),
        ("/imagery/leases/x/views", b'{"sharp":"yes"}'),
        ("/imagery/leases/x/views", b'{"sharp":1}'),
    ]
    headers = {"origin": ORIGIN, "content-type": "application/json", "cookie": f"{COOKIE}={page.cookie}"}
    for path, body in tried:
        answer = await page.client.post(f"/api{path}", content=body, headers=headers)
        assert answer.status_code in (400, 401, 422), (path, body[:80], answer.text)
    for cookie in (b"\xff\xfe", b"a" * 4_000, f"x; {COOKIE}=other; {COOKIE}=".encode() + b"\xc3\x28", b"%00"):
        given = {"origin": ORIGIN, "content-type": "application/json"}
        raw = [*((k.encode(), v.encode()) for k, v in given.items()), (b"cookie", f"{COOKIE}=".encode() + cookie)]
        answer = await page.client.post("/api/imagery/leases", content=wanted, headers=raw)
        assert answer.status_code == 401, (cookie, answer.text)
    refused = [each for each in await page.house.entries("access.") if each.outcome == "denied"]
    assert len(await page.house.entries("access.")) - before == len(refused) <= 2
    assert page.house.fetched == 0
    await page.lease()


async def test_what_breaks_inside_says_nothing_of_why(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    await page.sign_in()

    async def broken(*_: object) -> None:
        raise ValueError("s3://imagery/kestrel/secret")

    monkeypatch.setattr(page.house.tables, "case", broken)
    answer = await page.post("/imagery/leases", ASKED)
    assert (answer.status_code, answer.json()["code"], "s3" in answer.text) == (500, "failed", False)
