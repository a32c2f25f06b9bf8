"""A forwarder of TCP that notes when each HTTP request went through, and hands every byte on as it is."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple, Self

from tests.support.streams import copied


class Asked(NamedTuple):
    """A request: its path, and when its first byte was there."""

    path: str
    at: datetime


class TimedForwarder:
    """Listens on a port of 127.0.0.1 while it is entered; of requests that follow on one connection each is noted."""

    def __init__(self, port: int) -> None:
        """`port`: of what it stands before, on 127.0.0.1."""
        self._to = port
        self.asked: list[Asked] = []
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onwards = await asyncio.open_connection("127.0.0.1", self._to)
        back = asyncio.create_task(copied(there, writer))
        try:
            while data := await reader.read(65_536):
                if data.startswith(b"GET "):
                    self.asked.append(Asked(data.split(b" ", 2)[1].decode(), datetime.now(UTC)))
                onwards.write(data)
                await onwards.drain()
        except OSError:
            pass  # who asked is gone
        finally:
            onwards.close()
            await back
