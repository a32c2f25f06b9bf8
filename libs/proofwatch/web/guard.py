"""Around every request: bodies are small, answers are kept by nobody, and what goes wrong says nothing of why."""

import traceback
from collections.abc import Callable, Mapping
from typing import Final

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 16_384
"""Of a request's body: a reason of 500 characters and some names."""
NONE_LARGER: Final[Mapping[str, int]] = {}
HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}
"""Of every answer that has none of its own."""
_log = structlog.get_logger(__name__)
Refuse = Callable[[int, str, str], ASGIApp]
"""Makes an answer of a status, a code and a sentence."""
_TOO_LARGE: Final = "the request is larger than any that is answered here"


class Guard:
    """An application around another."""

    def __init__(self, app: ASGIApp, refuse: Refuse, failed: str, larger: Mapping[str, int] = NONE_LARGER) -> None:
        """`failed`: the sentence of what went wrong inside; `larger`: bytes of a body, by the paths that take more."""
        self._app, self._refuse, self._failed, self._larger = app, refuse, failed, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        body = await _whole(receive, self._larger.get(scope["path"], MOST_BYTES))
        if body is None:
            await self._refuse(413, "too_large", _TOO_LARGE)(scope, receive, answer)
            return
        try:
            await self._app(scope, _Again(body, receive), answer)
        except Exception as error:
            if answer.begun:
                raise  # the server closes the connection: what was sent is no whole answer
            # not what it says, which may quote what was asked for
            at = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("request_failed", error=type(error).__name__, at=f"{at.filename}:{at.lineno}")
            await self._refuse(500, "failed", self._failed)(scope, receive, answer)


class _Answer:
    """Sends with headers, and knows whether anything was."""

    def __init__(self, send: Send) -> None:
        self._send, self.begun = send, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


class _Again:
    """Gives a body that was read once more, and then whatever comes."""

    def __init__(self, body: Message, receive: Receive) -> None:
        self._body: Message | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        body, self._body = self._body, None
        return body if body is not None else await self._receive()


async def _whole(receive: Receive, most: int) -> Message | None:
    """Return the body in one message, or that whoever sent it is gone; None: it is too large."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": b"".join(parts), "more_body": False}
