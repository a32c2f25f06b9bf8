"""The console as its process wires it, at a port of its own."""

import asyncio
import base64
from typing import Any
from urllib.parse import urlencode

import httpx
from pydantic import SecretStr

from proofwatch.access.roles import Role
from proofwatch.bus.port import Bus
from proofwatch.runtime.service import Service
from services.console.app import build
from services.console.config import Settings
from services.console.who import COOKIE
from tests.integration.access.house import PASSWORD
from tests.integration.triage.conftest import Triage
from tests.integration.triage.house import Desk
from tests.support.runner import free_port


class Console(Desk):
    """People at a desk, the desk's pages, and browsers without a screen."""

    def __init__(self, triage: Triage) -> None:
        super().__init__(triage)
        self.port = free_port()
        self.origin = f"http://localhost:{self.port}"
        self.settings = Settings(
            console_port=self.port,
            console_origin=self.origin,
            console_imagery_origin="https://imagery.example",
            cases_in_hand=3,
            rereview_share=1,
            key_encryption_keys=SecretStr(f"1:{base64.b64encode(bytes(32)).decode()}"),
        )
        self.service: Service | None = None

    def now_ms(self) -> int:
        """The clock of the console: the test's."""
        return round(self.now.timestamp() * 1000)

    async def begin(self, bus: Bus | None = None) -> None:
        """Listen."""
        clock: Any = self
        self.service = build(self.settings, bus or sharing(self.triage), self.pool, clock)
        await self.service.start()
        self._running = asyncio.create_task(self.service.run())
        async with asyncio.timeout(30):
            while any("HTTP" in each for each in self.service.unready()):  # noqa: ASYNC110 — a server tells nobody
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Listen no more."""
        assert self.service is not None
        await self.service.stop()
        await self._running

    def client_of(self, token: str) -> "Client":
        """Return a program that has the token of a session."""
        return Client(self, token)

    def client(self, name: str | None = None) -> "Client":
        """Return a program that is signed in as somebody who has a token, or as nobody."""
        return Client(self, self.tokens[name] if name else "")


class Client:
    """Asks the API as a page of the console does."""

    def __init__(self, console: Console, token: str) -> None:
        self._console, self._token = console, token

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self._asked("GET", path, headers)

    async def post(self, path: str, body: object = None, **headers: str) -> httpx.Response:
        """`body` None: an empty one. Names of headers have _ for -."""
        given = {"origin": self._console.origin, **{name.replace("_", "-"): each for name, each in headers.items()}}
        return await self._asked("POST", path, given, json={} if body is None else body)

    async def form(self, path: str, **fields: str) -> httpx.Response:
        return await self._asked("POST", path, {"origin": self._console.origin}, data=fields)

    async def form_of(self, path: str, given: list[tuple[str, str]]) -> httpx.Response:
        """Send a form of which several fields may have one name."""
        headers = {"origin": self._console.origin, "content-type": "application/x-www-form-urlencoded"}
        return await self._asked("POST", path, headers, content=urlencode(given))

    async def _asked(self, method: str, path: str, headers: dict[str, str], **body: Any) -> httpx.Response:
        cookie = {"cookie": f"{COOKIE}={self._token}"} if self._token else {}
        base = f"http://127.0.0.1:{self._console.port}"
        async with httpx.AsyncClient(base_url=base, timeout=30) as client:
            return await client.request(method, path, headers={**cookie, **headers}, **body)


def sharing(triage: Triage) -> Bus:
    """Return a bus that ends with its process, as that of standalone mode: nothing can have been restored beside it."""
    triage.bus.shares_fate = True
    return triage.bus


__all__ = ["PASSWORD", "Client", "Console", "Role"]
