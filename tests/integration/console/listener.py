"""Who listens to a stream of events over HTTP, as a browser does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from services.console.who import COOKIE
from tests.integration.console.house import Console

PATIENCE_S = 120.0


class Event(NamedTuple):
    kind: str
    id: str
    data: Any


class Listener:
    """Reads events off a stream; `last_id` is what a browser would come again with."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self.last_id, self.raw = answer, "", ""
        self._lines = answer.aiter_lines()

    async def next(self) -> Event | None:
        """Return the next event; None: the stream has ended."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._next()

    async def until_id(self, other_than: str = "") -> str:
        """Read on until an id has come, be it without an event."""
        async with asyncio.timeout(PATIENCE_S):
            while self.last_id == other_than:
                self._noted(await anext(self._lines))
        return self.last_id

    async def _next(self) -> Event | None:
        kind, data = "message", ""
        async for line in self._lines:
            self._noted(line)
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                data = value
            elif not line and data:
                return Event(kind, self.last_id, json.loads(data))
        return None

    def _noted(self, line: str) -> None:
        self.raw += f"{line}\n"
        if line.startswith("id: "):
            self.last_id = line[4:]


@asynccontextmanager
async def listening(
    console: Console, name: str = "", cursor: str = "", last_id: str = "", port: int | None = None, token: str = ""
) -> AsyncIterator[Listener]:
    """Give a listener, once the answer has begun; `token`: of a machine, in place of a person's name."""
    who = {"authorization": f"Bearer {token}"} if token else {"cookie": f"{COOKIE}={console.tokens[name]}"}
    headers = who | ({"last-event-id": last_id} if last_id else {})
    base = f"http://127.0.0.1:{port or console.port}"
    async with (
        httpx.AsyncClient(base_url=base, timeout=PATIENCE_S) as client,
        client.stream("GET", "/v1/stream", headers=headers, params={"cursor": cursor} if cursor else {}) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            await answer.aread()
        yield Listener(answer)
