"""A console with a provider that is real but small, and browsers without a screen."""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from pydantic import SecretStr

from proofwatch.access.code_seal import parse_code_keys
from proofwatch.web.server import Server
from services.console.sign_on import SignOn
from services.console.who import BROWSER, COOKIE
from tests.integration.console.house import Console
from tests.support.oidc_provider import CLIENT, SECRET, OidcProvider
from tests.support.runner import free_port

KEY = base64.b64encode(bytes(32)).decode()
CLAIMS = """
claim: groups
roles:
  analysts: [analyst]
  leads: [checker]
  admins: [admin]
tenants:
  of-acme: [acme]
  of-all: all
second_factor: {amr: [otp, hwk]}
"""
ADA = {"name": "Ada.L", "groups": ["analysts", "of-acme", "elsewhere"], "amr": ["pwd", "otp"]}


class Place:
    """A console, its provider, and browsers that go from one to the other and back."""

    def __init__(self, console: Console, provider: OidcProvider) -> None:
        self.console, self.provider = console, provider
        seal = parse_code_keys(KEY)
        clock: Any = console
        self.sign_on = SignOn.of(console.settings, console.pool, seal, clock)

    async def get(self, path: str, **cookies: str) -> httpx.Response:
        given = "; ".join(f"{name}={each}" for name, each in cookies.items() if each)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.console.port}", timeout=30) as client:
            return await client.get(path, headers={"cookie": given} if given else {})

    async def begun(self, who: str, wanted: str = "/queue") -> tuple[str, str]:
        """Go to the provider and sign in there; return the way back, and the browser's cookie."""
        return await self.sent(who, f"/sign-in/provider?{urlencode({'next': wanted})}")

    async def again(self, who: str, token: str, wanted: str = "/queue") -> tuple[str, str]:
        """Go there likewise from a session that goes on, which is to be confirmed."""
        return await self.sent(who, f"/sign-in/again?{urlencode({'next': wanted})}", **{COOKIE: token})

    async def sent(self, who: str, path: str, **cookies: str) -> tuple[str, str]:
        """Go to the provider by a page of the console, and sign in there."""
        to = await self.get(path, **cookies)
        assert to.status_code == 303, to.text
        self.provider.who = who
        async with httpx.AsyncClient(timeout=30) as client:
            back = await client.get(to.headers["location"])
        parts = urlsplit(back.headers["location"])
        assert f"{parts.scheme}://{parts.netloc}" == self.console.origin
        return f"{parts.path}?{parts.query}", cookie_in(to, BROWSER)

    async def come(self, who: str, wanted: str = "/queue") -> httpx.Response:
        back, browser = await self.begun(who, wanted)
        return await self.get(back, **{BROWSER: browser})

    async def token(self, who: str) -> str:
        answer = await self.come(who)
        assert answer.status_code == 200, answer.text
        return cookie_in(answer, COOKIE)

    async def reads(self, token: str) -> int:
        return (await self.get("/v1/cases", **{COOKIE: token})).status_code

    async def until(self, token: str, status: int) -> None:
        """Let the provider be asked until a session's calls are answered so."""
        async with asyncio.timeout(30):
            while True:
                await self.sign_on.look_again()
                if await self.reads(token) == status:
                    return
                await asyncio.sleep(0.1)

    async def refusals(self, action: str = "access.sign_in_refused") -> list[Any]:
        return [e.details["why"] for e in await self.console.entries() if e.action == action]


def cookie_in(answer: httpx.Response, name: str) -> str:
    found = re.search(rf"{name}=([^;]*);", " ".join(answer.headers.get_list("set-cookie")))
    return found[1].strip('"') if found else ""


@asynccontextmanager
async def placed(console: Console, tmp_path: Path) -> AsyncIterator[Place]:
    """Begin the provider, and the console with it."""
    port = free_port()
    provider = OidcProvider(f"http://127.0.0.1:{port}", lambda: console.now.timestamp())
    provider.people["s-ada"] = dict(ADA)
    server = Server(provider.application(), "127.0.0.1", port)
    await server.start()
    running = asyncio.create_task(server.run())
    while server.unready():  # noqa: ASYNC110 — a server tells nobody
        await asyncio.sleep(0.02)
    file = tmp_path / "claims.yaml"
    file.write_text(CLAIMS)
    await console.end()
    given = {
        "oidc_issuer": provider.issuer, "oidc_client_id": CLIENT, "oidc_client_secret": SecretStr(SECRET),
        "oidc_claims_file": file, "access_code_keys": SecretStr(KEY),
    }  # fmt: skip
    console.settings = console.settings.model_copy(update=given)
    await console.begin()
    try:
        yield Place(console, provider)
    finally:
        await server.stop()
        await running
