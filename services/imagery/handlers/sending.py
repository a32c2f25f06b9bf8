"""A view that was begun: its bytes as they leave, and how it ends, which is an entry."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import structlog

from proofwatch.audit.entry import SALT_BYTES
from proofwatch.audit.pending import Draw
from proofwatch.bus.errors import DatabaseAway
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from services.imagery.core import acts
from services.imagery.core.lease import View, ViewState
from services.imagery.handlers.refusals import Denied, Unavailable
from services.imagery.ports import Store, Undelivered

_log = structlog.get_logger(__name__)
_LOOK_S: Final = 0.25


class Sending:
    """The views that are in hand in this process, `in_hand`, and their ends."""

    def __init__(self, store: Store, clock: Clock, chunk_bytes: int, draw: Draw) -> None:
        self._store, self._clock, self._chunk_bytes, self._draw = store, clock, chunk_bytes, draw
        self.in_hand: set[str] = set()

    async def chunks(
        self, view: View, body: bytes, still: Callable[[], Awaitable[None]]
    ) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a view; `still` raises when it is not allowed any more. However it ends is entered."""
        sent, code = 0, "not_taken"
        loop = asyncio.get_running_loop()
        looked = loop.time()
        try:
            for begin in range(0, len(body), self._chunk_bytes):
                if loop.time() - looked > _LOOK_S:
                    await still()
                    looked = loop.time()
                chunk = body[begin : begin + self._chunk_bytes]
                sent += len(chunk)
                yield chunk
            code = ""
        except (Denied, Unavailable) as error:
            code = error.code if isinstance(error, Denied) else "unavailable"
            raise
        finally:
            # what has left has been seen, whole or in part
            await asyncio.shield(self._end(view, "delivered" if sent else "undelivered", code, sent))

    async def unseen(self, view: View, error: BaseException) -> None:
        """Enter why no byte of a view has left."""
        if isinstance(error, Undelivered):
            await self._end(view, "undelivered", error.code, 0)
        elif isinstance(error, Denied):
            await self._end(view, "withheld", error.code, 0)
        else:
            await asyncio.shield(self._end(view, "withheld", "unavailable", 0))

    async def _end(self, view: View, state: ViewState, code: str, sent: int) -> None:
        """Enter what became of a view; where that cannot be, the sweep counts it as seen."""
        try:
            async with self._store.transaction() as tx:
                now = instant_of(self._clock.now_ms())
                if await self._store.end_view(tx, view.view_id, state, code, sent, now):
                    salt = self._draw(SALT_BYTES)
                    await self._store.enter(tx, acts.over(view, state, code, sent, now, salt))
        except DatabaseAway as error:
            _log.warning("imagery_view_unended", view=view.view_id, reason=str(error))
        finally:
            self.in_hand.discard(view.view_id)
