"""A view that was begun: its bytes as they leave, and how it ends, which is an entry."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, Final

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
_ENDING: Final[set[asyncio.Task[None]]] = set()
"""Ends that are being entered: the loop itself keeps no task alive."""
Enter = Callable[[View, ViewState, str, int], Coroutine[Any, Any, None]]


class Sending:
    """The views that are in hand in this process, `in_hand`, and their ends."""

    def __init__(self, store: Store, clock: Clock, chunk_bytes: int, draw: Draw) -> None:
        self._store, self._clock, self._chunk_bytes, self._draw = store, clock, chunk_bytes, draw
        self.in_hand: set[str] = set()

    def delivery(self, view: View, body: bytes, still: Callable[[], Awaitable[None]]) -> "Delivery":
        """Return the bytes of a view to be sent; `still` raises when it is not allowed any more."""
        return Delivery(view, body, self._chunk_bytes, still, self._end)

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


class Delivery:
    """The bytes of one view as they leave. Whoever has taken it ends it, however far it got."""

    def __init__(
        self, view: View, body: bytes, chunk_bytes: int, still: Callable[[], Awaitable[None]], enter: Enter
    ) -> None:
        self._view, self._body, self._chunk_bytes, self._still, self._enter = view, body, chunk_bytes, still, enter
        self._sent, self._code = 0, "not_taken"
        self._ended: asyncio.Task[None] | None = None
        self.chunks = self._chunks()
        """Raises what `still` does. It ends the view where it ends, but may never have begun: hence `end`."""

    async def end(self, code: str = "") -> None:
        """Enter how it ended, unless that was entered; `code`: why it was cut off. It is entered even if cancelled."""
        if self._ended is None:
            # what has left has been seen, whole or in part
            state: ViewState = "delivered" if self._sent else "undelivered"
            self._ended = asyncio.create_task(self._enter(self._view, state, code or self._code, self._sent))
            _ENDING.add(self._ended)
            self._ended.add_done_callback(_ENDING.discard)
        await asyncio.shield(self._ended)

    async def _chunks(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        looked = loop.time()
        try:
            for begin in range(0, len(self._body), self._chunk_bytes):
                if loop.time() - looked > _LOOK_S:
                    await self._still()
                    looked = loop.time()
                chunk = self._body[begin : begin + self._chunk_bytes]
                self._sent += len(chunk)
                yield chunk
            self._code = ""
        except (Denied, Unavailable) as error:
            self._code = error.code if isinstance(error, Denied) else "unavailable"
            raise
        finally:
            await self.end()
