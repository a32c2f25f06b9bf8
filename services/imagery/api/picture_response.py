"""The answer that is a picture: however its sending ends, the view has ended when it is over."""

import asyncio
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from services.imagery.handlers.broker import Showing

WRITE_S: Final = 30.0
"""For each part of an answer to be taken over by the connection. A part is 16 KiB, and the server keeps 64 KiB: whoever
takes less than that in half a minute has stopped reading, and a view that nobody looks after must not stay open."""


class PictureResponse(StreamingResponse):
    """Sends what may be shown, and ends the view: taken, broken off, failed, cancelled, or not read any more."""

    def __init__(self, showing: Showing, seconds: float = WRITE_S) -> None:
        """`seconds`: that each part may take."""
        super().__init__(showing.chunks, media_type=showing.media_type)
        self._showing, self._seconds = showing, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises what the stream raises, and `TimeoutError`: the server then closes the connection."""
        code = ""

        async def within(message: Message) -> None:
            nonlocal code
            await asyncio.sleep(0)  # a server that takes all at once leaves nobody time to say that the client is gone
            try:
                async with asyncio.timeout(self._seconds):
                    await send(message)
            except TimeoutError:
                code = "stalled"
                raise

        try:
            await super().__call__(scope, receive, within)
        finally:
            # a stream of which no step was taken has no `finally` that would run
            await self._showing.end(code)
