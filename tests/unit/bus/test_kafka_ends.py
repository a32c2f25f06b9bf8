"""Clients of the library are let go whatever state they are in: a lane must be able to begin again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from proofwatch.bus.kafka import client as kafka_client
from proofwatch.bus.kafka.producer import discard


class Client:
    """Ends as told, and remembers what was asked of it."""

    def __init__(self, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self.asked: list[str] = []
        self.client = self
        self._end = end

    async def stop(self) -> None:
        self.asked.append("stop")
        await self._end()

    async def close(self) -> None:
        self.asked.append("close")
        await self._end()


async def broken() -> None:
    raise RuntimeError("unable to perform operation on <TCPTransport closed=True>; the handler is closed")


async def waiting() -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("how", [broken, waiting])
async def test_a_producer_is_discarded_though_its_own_tasks_have_failed_or_hang(
    how: Callable[[], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a broker kill: the metadata task of the client had written to a closed transport."""
    monkeypatch.setattr(kafka_client, "_END_S", 0.01)
    client = Client(how)
    await discard(client)
    assert client.asked == ["stop", "close"]


async def test_whoever_is_cancelled_meanwhile_still_closes_the_connection() -> None:
    """Cancelling is passed on; no socket is left open by it."""

    async def nothing() -> None: ...

    client = Client(nothing)
    client.stop = lambda: asyncio.sleep(60)  # type: ignore[method-assign]
    discarding = asyncio.create_task(discard(client))
    await asyncio.sleep(0)
    discarding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await discarding
    assert client.asked == ["close"]
