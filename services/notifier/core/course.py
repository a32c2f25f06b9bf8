"""A group's course from what is known of it to now: facts and looks at it, one after the other, in order. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import NamedTuple

from services.notifier.core.around import Around
from services.notifier.core.arriving import Arrival, taken
from services.notifier.core.decisions import Decision
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Group
from services.notifier.core.routes import Plan
from services.notifier.core.telling import Message, flushed


class Course(NamedTuple):
    """What a group comes to."""

    group: Group
    messages: tuple[Message, ...]
    decisions: tuple[Decision, ...]
    escalated: tuple[tuple[Fact, int], ...]
    """What further channels are to be told of, and when that was decided."""


def followed(
    group: Group, plan: Plan, arrivals: Sequence[Arrival], now_ms: int, around: Callable[[int], Around], *, exact: bool
) -> Course:
    """Return the group as it is at `now_ms`, with all that it told on the way. Of one moment facts come first.

    `around(at_ms)`: what decides beside the group at a moment; what this course has told since is added.
    `exact`: each look is at its own time, so that how often somebody looks decides nothing: for a clock that runs ahead
    of the work. Otherwise the one look that is due is now: what passed while nobody looked is told once.
    """
    waiting = sorted(arrivals, key=lambda each: (each.at_ms, each.fact.alert_id, each.fact.source_revision))
    messages: list[Message] = []
    decisions: list[Decision] = []
    escalated: list[tuple[Fact, int]] = []
    come = 0
    while True:  # each look is later than the one before
        due_ms = group.due_ms
        if come < len(waiting) and (not exact or due_ms is None or waiting[come].at_ms <= due_ms):
            group, overtaken, count = taken(group, plan, islice(waiting, come, None), until_due=exact)
            decisions += overtaken
            come += count
        elif due_ms is not None and due_ms <= now_ms:
            at_ms = due_ms if exact else now_ms
            beside = around(at_ms)
            told_ms = (*beside.channel_told_ms, *(each.at_ms for each in messages))
            found = flushed(group, plan, replace(beside, channel_told_ms=told_ms), at_ms)
            group = found.group
            messages += [found.message] if found.message else []
            decisions += found.decisions
            escalated += [(fact, at_ms) for fact in found.escalated]
        else:
            break
    return Course(group, tuple(messages), tuple(decisions), tuple(escalated))
