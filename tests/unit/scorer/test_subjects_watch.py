"""Readiness follows the subjects' store."""

import asyncio

import pytest

from services.scorer.adapters.memory import MemorySubjects
from services.scorer.handlers.subjects_watch import SubjectsWatch
from services.scorer.ports import SubjectsUnavailable


class Flaky(MemorySubjects):
    """Answers as long as `up`."""

    def __init__(self) -> None:
        super().__init__(ttl_s=60)
        self.up = True
        self.asked = 0
        self.closed = False

    async def ping(self) -> None:
        self.asked += 1
        if not self.up:
            raise SubjectsUnavailable("gone")

    async def close(self) -> None:
        self.closed = True


async def noted() -> None: ...


async def test_it_refuses_to_start_without_the_store() -> None:
    """Without its subjects there is nothing to begin with."""
    store = Flaky()
    store.up = False
    with pytest.raises(SubjectsUnavailable):
        await SubjectsWatch(store, noted).start()


async def test_readiness_goes_and_comes_with_the_store() -> None:
    """It never raises while it runs: the lanes wait, the process stays."""
    store = Flaky()
    watch = SubjectsWatch(store, noted)
    assert watch.unready()
    await watch.start()
    for up in (True, False, False, True):
        store.up = up
        assert await watch.step(idle=True) == 0
        assert watch.unready() == ([] if up else ["Redis does not answer: subjects cannot be read"])


async def test_a_log_that_does_not_answer_is_not_its_business() -> None:
    """Only catching up takes longer; the client library may raise anything."""
    asked = 0

    async def note() -> None:
        nonlocal asked
        asked += 1
        raise ConnectionError("gone")

    watch = SubjectsWatch(Flaky(), note)
    await watch.start()
    for _ in range(60):
        await watch.step(idle=True)
    assert asked == 2
    assert not watch.unready()


async def test_it_runs_until_stopped_and_closes_the_store() -> None:
    """Looking again and again."""
    store = Flaky()
    watch = SubjectsWatch(store, noted, every_s=0.0)
    await watch.start()
    running = asyncio.create_task(watch.run())
    while store.asked < 4:  # noqa: ASYNC110 — what is waited for has no event of its own
        await asyncio.sleep(0)
    await watch.stop()
    await running
    assert store.closed
    assert watch.unready()
