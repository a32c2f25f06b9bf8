"""Liveness, readiness and metrics over HTTP, for orchestrators, for `proofwatch health` and for Prometheus."""

import asyncio
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

_REQUEST_SECONDS: Final = 5
_TEXT: Final = "text/plain; charset=utf-8"
_JSON: Final = "application/json"


class _Request(NamedTuple):
    method: str
    path: str
    wants_json: bool

    @classmethod
    def parse(cls, head: bytes) -> "_Request":
        """Read the request line, and whether JSON was asked for; anything that is not HTTP has no path of ours."""
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, *_ = [*first.split(" "), "", ""]
        headers = [line.lower().partition(":") for line in lines]
        return cls(method, target.partition("?")[0], any(n == "accept" and _JSON in value for n, _, value in headers))


class _Response(NamedTuple):
    status: HTTPStatus
    content_type: str = _TEXT
    body: bytes = b""
    more: str = ""

    def encode(self, *, with_body: bool) -> bytes:
        head = (
            f"HTTP/1.1 {self.status.value} {self.status.phrase}\r\n"
            f"Content-Type: {self.content_type}\r\nContent-Length: {len(self.body)}\r\n"
            f"Cache-Control: no-store\r\n{self.more}Connection: close\r\n\r\n"
        )
        return head.encode() + (self.body if with_body else b"")


class HealthServer:
    """Answers GET and HEAD of /live (the process turns its event loop), /ready (every part does its work) and /metrics.

    `/ready` is 200 and `ready`, or 503 and the reasons, one a line; as JSON where the client accepts it.
    """

    def __init__(
        self,
        port: int,
        unready: Callable[[], Sequence[str]],
        host: str = "0.0.0.0",  # noqa: S104 — probed from outside the container
        metrics: Callable[[], tuple[str, bytes]] | None = None,
    ) -> None:
        """`unready` returns why not; empty: ready. `metrics` returns content type and body; None: there are none."""
        self._port, self._host, self._unready, self._metrics = port, host, unready, metrics
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

    def _respond(self, request: _Request) -> _Response:
        if request.path not in ("/live", "/ready", "/metrics") or (request.path == "/metrics" and not self._metrics):
            return _Response(HTTPStatus.NOT_FOUND, body=b"there are /live, /ready and /metrics\n")
        if request.method not in ("GET", "HEAD"):
            return _Response(HTTPStatus.METHOD_NOT_ALLOWED, more="Allow: GET, HEAD\r\n")
        if request.path == "/live":
            return _Response(HTTPStatus.OK, body=b"live\n")
        if request.path == "/metrics" and self._metrics:
            return _Response(HTTPStatus.OK, *self._metrics())
        return _readiness(self._unready(), as_json=request.wants_json)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            # to the end: closing a socket with something unread takes the answer back
            async with asyncio.timeout(_REQUEST_SECONDS):
                request = _Request.parse(await reader.readuntil(b"\r\n\r\n"))
            writer.write(self._respond(request).encode(with_body=request.method != "HEAD"))
            await writer.drain()
        except (TimeoutError, ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a probe that hangs up or sends nonsense gets no answer
        finally:
            writer.close()


def _readiness(reasons: Sequence[str], *, as_json: bool) -> _Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
    lines = [" ".join(reason.split()) for reason in reasons]
    if as_json:
        return _Response(status, _JSON, json.dumps({"ready": not lines, "reasons": lines}).encode() + b"\n")
    return _Response(status, body="".join(f"{line}\n" for line in lines or ["ready"]).encode())
