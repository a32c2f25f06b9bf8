"""Liveness and readiness over HTTP, for orchestrators and for `proofwatch health`."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

_REQUEST_SECONDS = 5


class HealthServer:
    """Answers GET /live (the process turns its event loop) and GET /ready (every part does its work)."""

    def __init__(self, port: int, ready: Callable[[], bool], host: str = "0.0.0.0") -> None:  # noqa: S104 — probed from outside the container
        self._port, self._host, self._ready = port, host, ready
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen, and return the port (the one the system chose when 0 was asked for)."""
        self._server = await asyncio.start_server(self._answer, self._host, self._port)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close the listening socket."""
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    def _status(self, request: bytes) -> HTTPStatus:
        match request.split(b" ")[:2]:
            case [b"GET", b"/live"]:
                return HTTPStatus.OK
            case [b"GET", b"/ready"]:
                return HTTPStatus.OK if self._ready() else HTTPStatus.SERVICE_UNAVAILABLE
            case _:
                return HTTPStatus.NOT_FOUND

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            status = self._status(await asyncio.wait_for(reader.readline(), _REQUEST_SECONDS))
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # a probe that hangs up or sends nonsense gets no answer
        finally:
            writer.close()
