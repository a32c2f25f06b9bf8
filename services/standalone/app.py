"""Wires all eight stages in one, and drives them as a deterministic scheduler.

Fixed batches, fixed order of services, a clock that moves with the records: the same input gives the same output,
byte by byte, however fast the machine is.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Final

import asyncpg

from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.governance.policy import Policy
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.service import Service
from services.aggregator import app as aggregator
from services.aggregator.core.calendars import Calendars
from services.devices import app as devices
from services.notifier import app as notifier
from services.notifier.ports import Channel
from services.scorer import app as scorer
from services.scorer.adapters.memory import MemorySubjects
from services.scorer.core.conservation import Conservation
from services.standalone.config import SETTINGS
from services.triage import app as triage

OUTPUT_TOPICS: Final = (
    topics.VERDICTS,
    topics.GUIDANCE,
    topics.SUSPICIONS,
    topics.WINDOWS,
    topics.ANOMALIES,
    topics.INCIDENTS,
    topics.ESCALATIONS,
    topics.NOTIFICATIONS,
)


_DAY_MS: Final = 86_400_000
_DAYS_THAT_MATTER: Final = 4
"""After so many days without records everything that was to close has closed."""
_AFTER_MS: Final = 1_000
"""Idle lanes see the time `idle_seconds` behind the clock."""


def _day_of(record: Outgoing) -> int:
    return (record.timestamp_ms or 0) // _DAY_MS


def partition_counts() -> dict[str, int]:
    """Return one partition for every topic and dead-letter topic of the manifests.

    There is one process, so partitions would only cut its batches smaller. No verdict, window or case depends on their
    number, but for one thing: the scorer sees two subjects claim one transaction id only where they share a partition.
    """
    return {spec.name: 1 for spec in topics.kafka_specs()}


class Heard:
    """Up to when the log is known to go on: its end is not the silence of its tenants."""

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms


class Standalone:
    """The whole system on one bus."""

    def __init__(
        self,
        bus: LocalBus,
        services: Sequence[Service],
        clock: SimulatedClock,
        heard: Heard | None = None,
        timed: Service | None = None,
    ) -> None:
        """`timed`: the service that tells by how far time has moved, also where nothing comes for it."""
        self.bus = bus
        self.clock = clock
        self._heard = heard or Heard(0)
        self._services = services
        self._timed = timed

    @property
    def heard_ms(self) -> int:
        """Return the time of the newest transaction of the log, as far as it is known."""
        return self._heard.at_ms

    async def start(self) -> None:
        """Start every service."""
        for service in self._services:
            await service.start()

    async def stop(self) -> None:
        """Stop every service, the last one first."""
        for service in reversed(self._services):
            await service.stop()

    async def feed(self, records: Sequence[Outgoing]) -> None:
        """Publish records, move the clock to the newest of them, and work until nothing is left to do.

        Records are in the order of their times. At the end of each UTC day everything stops for what follows from it:
        labelled days close, and what they turn on is in force before the next day's records come. So how many records
        are fed at once has no influence. Idle work waits for that too: after every slice of a sparse log it would cost
        as much again, and change nothing.
        """
        for day, slice_ in groupby(records, key=_day_of):
            await self._end_days(day)
            published = list(slice_)
            await self.bus.publish(published)
            # labels go on coming when their tenants' traffic is at its end
            heard = [record.timestamp_ms or 0 for record in published if record.topic != topics.LABELS]
            self._heard.at_ms = max([self._heard.at_ms, *heard])
            self.clock.advance_to(max(record.timestamp_ms or 0 for record in published))
            await self.work_off()

    async def _end_days(self, next_day: int) -> None:
        """Let the days before `next_day` end one by one; of a long silence the first few and the last."""
        today = self.clock.now_ms() // _DAY_MS
        for day in sorted({*range(today + 1, min(today + _DAYS_THAT_MATTER, next_day) + 1), next_day}):
            if today < day:
                self.clock.advance_to(day * _DAY_MS + _AFTER_MS)
                await self.settle()

    async def settle(self) -> None:
        """Work until nothing is left to do, then let idle work be done, and what follows from it."""
        while await self._round(idle=False) or await self._round(idle=True):
            pass

    async def work_off(self) -> None:
        """Work until no record is left to be read, and none comes of how far time has moved."""
        while await self._round(idle=False) or (self._timed and await self._timed.step(idle=True)):
            pass

    async def pass_time(self, milliseconds: int) -> None:
        """Let time pass without traffic, so that what is due closes."""
        self.clock.advance_to(self.clock.now_ms() + milliseconds)
        await self.settle()

    async def _round(self, *, idle: bool) -> int:
        taken = 0
        for service in self._services:
            while step := await service.step(idle=idle):
                taken += step
                idle = False
        return taken


def build(
    policy: Policy,
    pool: asyncpg.Pool,
    start_ms: int,
    channels: Mapping[str, Channel] | None = None,
    edges: Sequence[float] = (),
    *,
    calendars: Calendars,
    last_ms: int | None = None,
    kept: Collection[str] = (),
) -> tuple[Standalone, Conservation]:
    """Wire all eight stages on one bus; `edges` are scores that sketches must tell apart exactly.

    `calendars`: those of the tenants, whom nobody governs. `last_ms`: the time of the last transaction; None: it is
    known only when it is fed. `kept`: topics of which nothing is forgotten.
    """
    clock, heard = SimulatedClock(start_ms), Heard(start_ms if last_ms is None else last_ms)
    bus = LocalBus(partition_counts(), clock, forget_consumed=True, kept=kept, shares_fate=True)
    conservation = Conservation()
    aggregating = aggregator.Settings(**SETTINGS)
    scoring = scorer.Settings(**SETTINGS)
    subjects = MemorySubjects(scoring.subjects_ttl_s())
    incidents = aggregator.build_incidents(aggregating, bus, pool, clock)
    services = [
        scorer.build(
            scoring, bus, subjects, policy, clock, follower=scoring.follower(bus, clock), observer=conservation
        ),
        devices.build(devices.Settings(**SETTINGS), bus, policy, clock),
        aggregator.build_combine(aggregating, bus, policy, clock),
        aggregator.build_windows(aggregating, bus, pool, policy, clock, heard=lambda: heard.at_ms, calendars=calendars),
        aggregator.build_ledger(
            aggregating, bus, pool, policy, clock, edges, calendars=calendars, heard=lambda: heard.at_ms
        ),
        incidents,
        triage.build(triage.Settings(**SETTINGS), bus, pool, clock),
        notifier.build(notifier.Settings(**SETTINGS), bus, pool, clock, channels, exact=True),
    ]
    return Standalone(bus, services, clock, heard, incidents), conservation
