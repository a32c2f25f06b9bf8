"""A service as its process runs it: parts that start, step or run, and stop."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from proofwatch.bus.wrappers.observed import Observer, Sample
from proofwatch.runtime.reasons import together


class Part(Protocol):
    """One moving part of a service: the lanes of a stage, a sender, a relay.

    A part is driven in one of two ways, never both: `run` (live, until cancelled or stopped), or `step` by a
    deterministic scheduler.
    """

    async def start(self) -> None:
        """Acquire what the part needs; raises at once when it cannot work."""
        ...

    async def step(self, *, idle: bool = False) -> int:
        """Do one bounded piece of work and return how many records it took.

        With `idle`, parts that found nothing to do also run their idle work (time progress, due closings).
        """
        ...

    async def run(self) -> None:
        """Work until `stop`; raises when the part cannot go on and the process should be restarted."""
        ...

    async def stop(self) -> None:
        """Finish or abandon the piece in hand within seconds, release everything; idempotent."""
        ...

    def unready(self) -> Sequence[str]:
        """Return why the part does not do its work now, a short sentence for each cause; empty: it is ready.

        An operator reads them at `/ready`: each names what is waited for, such as the partition or the database.
        """
        ...


@runtime_checkable
class Observable(Protocol):
    """A part that commits batches or sends messages, and can tell of them."""

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every committed batch; before `start`."""
        ...


@runtime_checkable
class Sampled(Protocol):
    """What has values that must be looked up, such as how many records a lane is behind."""

    async def sample(self) -> Sequence[Sample]:
        """Look them up; raises when what is asked does not answer."""
        ...


@dataclass(frozen=True)
class Service:
    """A named, ordered set of parts; what `build()` in each service's `app.py` returns.

    `sampled` are looked up for metrics, beside the parts that can be.
    `releases` let go of what the parts share (connections), after the last part has stopped.
    """

    name: str
    parts: Sequence[Part]
    releases: Sequence[Callable[[], Awaitable[object]]] = ()
    sampled: Sequence[Sampled] = ()

    def observe(self, observer: Observer) -> None:
        """Let `observer` be told of every batch that a part commits; before `start`."""
        for part in self.parts:
            if isinstance(part, Observable):
                part.observe(observer)

    def samplers(self) -> Sequence[Sampled]:
        """Return everything that is looked up for metrics."""
        return [*(part for part in self.parts if isinstance(part, Sampled)), *self.sampled]

    async def start(self) -> None:
        """Start the parts in order."""
        for part in self.parts:
            await part.start()

    async def step(self, *, idle: bool = False) -> int:
        """Let every part do one piece of work, in order; return the records taken."""
        return sum([await part.step(idle=idle) for part in self.parts])

    async def run(self) -> None:
        """Run all parts until one fails or the task is cancelled."""
        async with asyncio.TaskGroup() as group:
            for part in self.parts:
                group.create_task(part.run(), name=f"{self.name}:{type(part).__name__}")

    async def stop(self) -> None:
        """Stop the parts in reverse order, then release what they share, all of it whatever fails; raises the last."""
        async with AsyncExitStack() as stack:
            for release in reversed(self.releases):
                stack.push_async_callback(release)
            for part in self.parts:
                stack.push_async_callback(part.stop)

    def holding(self, *releases: Callable[[], Awaitable[object]]) -> "Service":
        """Return the service, owning further resources: `releases` are awaited in order when it stops."""
        return replace(self, releases=(*self.releases, *releases))

    def unready(self) -> Sequence[str]:
        """Return why the parts do not do their work now, in order; empty: all of them do."""
        return together(reason for part in self.parts for reason in part.unready())
