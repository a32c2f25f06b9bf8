"""Erasures that were interrupted: gone on with by themselves, or why not is said, each for itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from redis.exceptions import ConnectionError as RedisAway

from proofwatch.bus.errors import BusUnavailable, ErasuresUnknown
from proofwatch.instants import instant_of
from proofwatch.privacy.key_encryption import EpochDestroyed
from proofwatch.runtime.clock import SimulatedClock
from services.privacy.core.acts import PRIVACY
from services.privacy.handlers.erasing import Erasing
from services.privacy.handlers.resuming import QUIET, Resuming

NOW_MS = 1_768_464_000_000


class Approved:
    """Three that were interrupted."""

    def __init__(self) -> None:
        self.before: list[datetime] = []
        self.ids = ["e-1", "e-2", "e-3"]

    async def interrupted(self, before: datetime) -> Sequence[str]:
        self.before.append(before)
        return self.ids


class Work:
    """Does what is left, or raises what it was given."""

    def __init__(self, **raises: Exception) -> None:
        self.raises, self.done = raises, list[str]()

    async def run(self, erasure_id: str, *, by: Any) -> None:
        assert by == PRIVACY
        if error := self.raises.get(erasure_id.replace("-", "_")):
            raise error
        self.done.append(erasure_id)


async def known() -> None:
    """The database knows all that was announced."""


def part(approved: Approved, work: Work | None, missing: str = "", knows: Any = known) -> Resuming:
    return Resuming(approved, cast("Erasing", work), SimulatedClock(NOW_MS), knows, missing)


async def test_what_nobody_works_on_is_done_and_what_cannot_be_hinders_no_other() -> None:
    """Kafka or Redis away, a key that is no more: a sentence for each; the rest come to their end."""
    approved = Approved()
    work = Work(e_1=EpochDestroyed(3), e_2=RedisAway("redis://:secret@host"))
    resuming = part(approved, work)
    assert await resuming.step() == 1
    assert work.done == ["e-3"]
    assert approved.before == [instant_of(NOW_MS) - QUIET]
    assert timedelta(minutes=1) <= QUIET, "whoever is at work does a step in seconds"
    first, second = resuming.unready()
    assert first.startswith("erasure e-1 was interrupted and waits: epoch 3 of the key-encryption keys is not here")
    assert second == (
        "erasure e-2 was interrupted and waits: Redis does not answer as it should (ConnectionError); see "
        "PROOFWATCH_REDIS_URL"
    )
    work.raises.clear()
    assert await resuming.step() == 3
    assert resuming.unready() == []


async def test_without_keys_it_says_so_only_once_it_needs_them() -> None:
    """A deployment that erases nobody needs none."""
    approved = Approved()
    resuming = part(approved, None, "PROOFWATCH_KEY_ENCRYPTION_KEYS is not set")
    approved.ids = []
    assert await resuming.step() == 0
    assert resuming.unready() == []
    approved.ids = ["e-1"]
    assert await resuming.step() == 0
    assert resuming.unready() == ["erasure e-1 was interrupted and waits: PROOFWATCH_KEY_ENCRYPTION_KEYS is not set"]


async def test_nothing_is_done_on_a_database_that_lacks_erasures() -> None:
    """They are told again first."""

    async def unknown() -> None:
        raise ErasuresUnknown("privacy.erasures.v1", 1)

    work = Work()
    with pytest.raises(ErasuresUnknown):
        await part(Approved(), work, knows=unknown).step()
    assert work.done == []
    away = Work(e_1=BusUnavailable("Kafka does not answer"))
    resuming = part(Approved(), away)
    assert await resuming.step() == 2
    assert resuming.unready() == ["erasure e-1 was interrupted and waits: Kafka does not answer"]
