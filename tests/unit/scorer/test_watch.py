"""Readiness follows the attempt store."""

import asyncio

import pytest

from services.scorer.adapters.memory import MemoryAttempts
from services.scorer.ports import AttemptsUnavailable
from services.scorer.watch import AttemptsWatch


class Flaky(MemoryAttempts):
    """Answers as long as `up`."""

    def __init__(self) -> None:
        super().__init__(ttl_s=60)
        self.up = True
        self.asked = 0
        self.closed = False

    async def ping(self) -> None:
        self.asked += 1
        if not self.up:
            raise AttemptsUnavailable("gone")

    async def close(self) -> None:
        self.closed = True


async def test_it_refuses_to_start_without_the_store() -> None:
    """Without attempts there is nothing to begin with."""
    store = Flaky()
    store.up = False
    with pytest.raises(AttemptsUnavailable):
        await AttemptsWatch(store).start()


async def test_readiness_goes_and_comes_with_the_store() -> None:
    """It never raises while it runs: the lanes wait, the process stays."""
    store = Flaky()
    watch = AttemptsWatch(store)
    assert not watch.ready()
    await watch.start()
    for up in (True, False, False, True):
        store.up = up
        assert await watch.step(idle=True) == 0
        assert watch.ready() == up


async def test_it_runs_until_stopped_and_closes_the_store() -> None:
    """Looking again and again."""
    store = Flaky()
    watch = AttemptsWatch(store, every_s=0.0)
    await watch.start()
    running = asyncio.create_task(watch.run())
    while store.asked < 4:  # noqa: ASYNC110 — what is waited for has no event of its own
        await asyncio.sleep(0)
    await watch.stop()
    await running
    assert store.closed
    assert not watch.ready()
