"""Looks up, again and again, what nothing tells by itself: lag in records, the outbox, what is pending."""

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

import structlog

from proofwatch.bus.wrappers.observed import Sample
from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.service import Sampled

_log = structlog.get_logger(__name__)

EVERY_S: Final = 10.0
_LOOK_S: Final = 8.0


class Samples(Protocol):
    """Where samples go: the metrics."""

    def sampled(self, part: str, samples: Sequence[Sample]) -> None:
        """Take over what was looked up now."""
        ...


async def look_again_and_again(sampled: Sequence[Sampled], samples: Samples, every_s: float = EVERY_S) -> None:
    """Look everything up every `every_s` seconds, until cancelled. One that does not answer holds up no other."""
    failing = {name: Condition(_log.bind(part=name), "metrics_look_failed") for name, _ in _named(sampled)}

    async def look(name: str, each: Sampled) -> None:
        try:
            async with asyncio.timeout(_LOOK_S):
                found = await each.sample()
            samples.sampled(name, found)
        except Exception as error:  # noqa: BLE001 — whatever it is: metrics never end a process; the gauge's age shows it
            failing[name].holds(type(error).__name__, reason=str(error))
        else:
            failing[name].clears()

    while True:
        await asyncio.gather(*(look(name, each) for name, each in _named(sampled)))
        await asyncio.sleep(every_s)


def _named(sampled: Sequence[Sampled]) -> list[tuple[str, Sampled]]:
    """Name each by its class, and by its number where there are several of it."""
    names = [type(each).__name__ for each in sampled]
    return [(f"{n}{i}" if names.count(n) > 1 else n, e) for i, (n, e) in enumerate(zip(names, sampled, strict=True))]
