"""Liveness, readiness and metrics over HTTP, for orchestrators, for `proofwatch health` and for Prometheus."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

_REQUEST_SECONDS = 5


class _Response(NamedTuple):
    status: HTTPStatus
    content_type: str = "text/plain"
    body: bytes = b""

    def encode(self) -> bytes:
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + self.body


class HealthServer:
    """Answers GET /live (the process turns its event loop), /ready (every part does its work) and /metrics."""

    def __init__(
        self,
        port: int,
        ready: Callable[[], bool],
        host: str = "0.0.0.0",  # noqa: S104 — probed from outside the container
        metrics: Callable[[], tuple[str, bytes]] | None = None,
    ) -> None:
        """`metrics` returns content type and body; None: there are none to be had."""
        self._port, self._host, self._ready, self._metrics = port, host, ready, metrics
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

    def _respond(self, request: bytes) -> _Response:
        match request.split(b" ")[:2]:
            case [b"GET", b"/live"]:
                return _Response(HTTPStatus.OK)
            case [b"GET", b"/ready"]:
                return _Response(HTTPStatus.OK if self._ready() else HTTPStatus.SERVICE_UNAVAILABLE)
            case [b"GET", b"/metrics"] if self._metrics:
                return _Response(HTTPStatus.OK, *self._metrics())
            case _:
                return _Response(HTTPStatus.NOT_FOUND)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # to the end: closing a socket with something unread takes the answer back
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _REQUEST_SECONDS)
            writer.write(self._respond(request).encode())
            await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a probe that hangs up or sends nonsense gets no answer
        finally:
            writer.close()
