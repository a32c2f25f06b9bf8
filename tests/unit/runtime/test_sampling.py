"""Looking values up never holds anything up, and never ends a process."""

import asyncio
from collections.abc import Sequence

from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.sampling import look_again_and_again


class Answers:
    """Has a value."""

    async def sample(self) -> Sequence[Sample]:
        return [Sample("proofwatch_outbox_records", ("ledger",), 3)]


class Fails:
    """Is away."""

    async def sample(self) -> Sequence[Sample]:
        raise BusUnavailable("away")


class Taken:
    """Keeps the names of those that answered."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def sampled(self, part: str, samples: Sequence[Sample]) -> None:
        self.parts.append(part)


async def test_one_that_is_away_holds_up_no_other_and_is_asked_again() -> None:
    """Its gauge grows old; the others stay fresh. Two of a kind have names of their own."""
    taken = Taken()
    looking = asyncio.create_task(look_again_and_again([Answers(), Fails(), Answers()], taken, every_s=0.0))
    async with asyncio.timeout(60):
        while len(taken.parts) < 6:  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0)
    assert not looking.done()
    looking.cancel()
    assert set(taken.parts) == {"Answers0", "Answers2"}
