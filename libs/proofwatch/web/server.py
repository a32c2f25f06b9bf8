"""An application over HTTP as a part of its service."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_GRACE_S: Final = 5
_UNTAKEN_MS: Final = 30_000
"""After which the system ends a connection whose other side takes nothing: a closed one would wait for it for ever."""


class _Uvicorn(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield


class Server:
    """Listens from `start` on, and lets requests in hand end within seconds when it stops."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        """`port` 0: one that the system chooses; the attribute says which."""
        self.port = port
        self._host = host
        self._socket: socket.socket | None = None
        self._stopped = asyncio.Event()
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                lifespan="off",
            )
        )

    async def start(self) -> None:
        """Take the port. Raises `OSError` where another has it."""
        self._socket = socket.create_server((self._host, self.port))
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections have it from the socket that accepts them
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNTAKEN_MS)
        self.port = self._socket.getsockname()[1]

    async def step(self, *, idle: bool = False) -> int:
        """Nothing: it answers while `run` runs."""
        return 0

    async def run(self) -> None:
        """Answer until `stop`."""
        assert self._socket is not None
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Stop listening; requests in hand have some seconds."""
        running = self._server.started and not self._stopped.is_set()
        self._server.should_exit = True
        if running:
            async with asyncio.timeout(2 * _GRACE_S):
                await self._stopped.wait()
        if self._socket:
            self._socket.close()

    def unready(self) -> Sequence[str]:
        """Return why it does not answer."""
        return [] if self._server.started else ["it does not answer over HTTP yet"]
