"""The dispatcher: follows groups up to now, so that people are told what they are to know, and what they know is kept.

Any number of dispatchers may work on one database: whoever takes a group has it to itself for one transaction, in which
its state, its messages, the reasons and what is published are written together.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from proofwatch.bus.polling import Polling
from proofwatch.runtime.clock import Clock
from services.notifier.core.course import followed
from services.notifier.core.messages import notification
from services.notifier.core.plans import ESCALATED, Plans
from services.notifier.core.routing import Target, target
from services.notifier.ports import DueGroup, Followed, GroupStore

_AT_ONCE: Final = 64
_FORGOTTEN: Final = 1_000
_TIDY_MS: Final = 3_600_000

_log = structlog.get_logger(__name__)


class Dispatcher:
    """A part of the service."""

    def __init__(
        self, groups: GroupStore, plans: Plans, clock: Clock, poll_s: float, keep_ms: int = 0, *, exact: bool = False
    ) -> None:
        """`exact`: see `core.course.followed`. `keep_ms`: how long reasons stay; 0: for ever."""
        self._groups = groups
        self._plans = plans
        self._clock = clock
        self._polling = Polling(poll_s)
        self._keep_ms = keep_ms
        self._exact = exact
        self._tidy_at_ms = 0

    async def start(self) -> None:
        """Nothing to acquire."""
        self._polling.start()

    async def step(self, *, idle: bool = False) -> int:
        """Follow every group that is due; return how many times one was."""
        looks = 0
        while not self._polling.stopping.is_set():
            taken = await self._groups.follow(self._clock.now_ms(), _AT_ONCE, self._course)
            looks += taken
            if taken < _AT_ONCE:
                break
        await self._tidy()
        return looks

    async def run(self) -> None:
        """Follow groups until `stop`; a database that is away is waited for."""
        await self._polling.run(self.step)

    async def stop(self) -> None:
        """Take no more groups; what is in hand is finished, or undone, by its transaction."""
        self._polling.stop()

    def unready(self) -> Sequence[str]:
        """Return that groups could not be read; empty: they could."""
        return self._polling.unready("the dispatcher does not run: nobody is told of anything")

    def _course(self, due: Sequence[DueGroup]) -> Sequence[Followed]:
        now_ms = self._clock.now_ms()
        sent_ms: dict[str, list[int]] = {}  # by channel, of this round: all of them share what it may take
        made = []
        for each in due:
            of_channel = sent_ms.setdefault(each.channel, [])
            told_ms = (*each.around.channel_told_ms, *of_channel)
            found = self._followed(each._replace(around=replace(each.around, channel_told_ms=told_ms)), now_ms)
            of_channel += [round(told.created_at.timestamp() * 1000) for told in found.notifications]
            made.append(found)
        return made

    def _followed(self, due: DueGroup, now_ms: int) -> Followed:
        plan = self._plans.plan(due.path, due.channel)
        course = followed(due.group, plan, due.arrivals, now_ms, lambda _: due.around, exact=self._exact)
        mine = Target(due.group_id, due.channel, plan, due.labels)
        told = [notification(mine, message) for message in course.messages]
        further = [
            (target(fact, self._plans.plan((*plan.path, ESCALATED), channel), channel), fact, at_ms)
            for fact, at_ms in course.escalated
            for channel in (plan.escalate.channels if plan.escalate else ())
        ]
        begun = {each.group_id: each for each, _, _ in further}
        arriving = [(each.group_id, fact, at_ms) for each, fact, at_ms in further]
        return Followed(due, course.group, told, course.decisions, arriving, [*begun.values()])

    async def _tidy(self) -> None:
        """Once an hour remove what was decided long ago, a bounded number at a time."""
        now_ms = self._clock.now_ms()
        if not self._keep_ms or now_ms < self._tidy_at_ms:
            return
        removed = await self._groups.forget(now_ms - self._keep_ms, _FORGOTTEN)
        self._tidy_at_ms = now_ms + (0 if removed == _FORGOTTEN else _TIDY_MS)
        if removed:
            _log.info("decisions_removed", rows=removed)
