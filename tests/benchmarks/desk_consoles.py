"""Consoles that listen to what changes of cases (`GET /v1/stream`), and how soon each is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any, Final

from services.console.who import COOKIE
from tests.benchmarks.contenders import Failed
from tests.benchmarks.figures import quantile

_EVERY_S: Final = 2.0
_LAST_S: Final = 10.0
"""So long what was done last may take until it is told."""


class Consoles:
    """Listeners, each with a session of its own, and a case with which something is done again and again."""

    def __init__(self, port: int, tokens: Sequence[str], case_id: str) -> None:
        self._port, self._tokens = port, tokens
        self._mark = f'"case_id":"{case_id}"'.encode()
        self._done: list[float] = []
        self._told: dict[tuple[int, int], float] = {}
        self._bytes = 0
        self._endings = set[str]()

    async def listened(self, act: Callable[[], Awaitable[None]], seconds: float) -> dict[str, Any]:
        """Return how long after each `act`, its own time too, it was told to each console. Raises `Failed`."""
        opened = await asyncio.gather(*map(self._opened, self._tokens))
        listening = [asyncio.create_task(self._listen(number, each)) for number, each in enumerate(opened)]
        end = monotonic() + seconds
        while monotonic() < end:
            self._done.append(monotonic())
            await act()
            await asyncio.sleep(_EVERY_S)
        await self._all_told()
        ended = sum(each.done() for each in listening)
        for each in listening:
            each.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
        delays = sorted(self._told.values())
        if not delays:
            raise Failed("no console was told anything")
        shares = {f"p{share}_ms": round(quantile(delays, share / 100) * 1000) for share in (50, 95, 99)}
        return {
            "consoles": len(self._tokens),
            "told": len(delays),
            "to_tell": len(self._done) * len(self._tokens),
            "ended": ended,
            "endings": sorted(self._endings),
            **shares,
            "max_ms": round(delays[-1] * 1000),
            "kib_a_second": round(self._bytes / 1024 / seconds),
        }

    async def _all_told(self) -> None:
        end = monotonic() + _LAST_S
        while len(self._told) < len(self._done) * len(self._tokens) and monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    async def _opened(self, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        asked = f"GET /v1/stream HTTP/1.1\r\nhost: localhost:{self._port}\r\ncookie: {COOKIE}={token}\r\n\r\n"
        writer.write(asked.encode())
        status = await reader.readline()
        if b" 200 " not in status:
            raise Failed(f"a console may not listen: {status.decode().strip()}")
        return reader, writer

    async def _listen(self, number: int, stream: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        reader, writer = stream
        tail = b""
        try:
            while got := await reader.read(65_536):
                self._bytes += len(got)
                text = tail + got
                if (at := got.find(b"event: end")) >= 0:
                    self._endings.add(got[at : at + 200].decode(errors="replace"))
                if self._mark in text and self._done:
                    self._told.setdefault((number, len(self._done)), monotonic() - self._done[-1])
                tail = text[-len(self._mark) + 1 :]
        finally:
            with suppress(OSError):
                writer.close()
