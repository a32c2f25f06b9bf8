"""What becomes of a group when facts come to it. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from services.notifier.core.decisions import Decision
from services.notifier.core.facts import Fact
from services.notifier.core.groups import FLAPS_MS, Group, Member
from services.notifier.core.routes import Plan


class Arrival(NamedTuple):
    """A revision of a fact, and when it came."""

    fact: Fact
    at_ms: int


class Taken(NamedTuple):
    """A group with what came to it."""

    group: Group
    decisions: tuple[Decision, ...]
    """What was overtaken."""
    came: int
    """How many arrivals were taken, from the first on."""


def taken(group: Group, plan: Plan, arrivals: Iterable[Arrival], *, until_due: bool = False) -> Taken:
    """Return the group with the facts in it, due when people are to hear of them, and what was overtaken.

    A group that is new, or was quiet for its interval, waits `wait_ms` for more of the kind; one that has just told
    something, until its interval is over. A revision that is not newer than what is known changes nothing.
    `until_due`: what comes after the group is due is left for later.
    """
    known = {member.fact.alert_id: member for member in group.members}
    due_ms, earliest, count = group.due_ms, group.open_ms(plan.interval_ms), 0
    decisions: list[Decision] = []
    for fact, at_ms in arrivals:
        if until_due and due_ms is not None and at_ms > due_ms:
            break
        count += 1
        before = known.get(fact.alert_id)
        if before is not None and fact.source_revision <= before.fact.source_revision:
            late = fact.source_revision < before.fact.source_revision
            decisions += [_overtaken(fact, at_ms)] if late else []
            continue
        decisions += [_overtaken(before.fact, at_ms)] if before is not None and before.is_open else []
        known[fact.alert_id] = _member(fact, before, at_ms)
        heard_ms = earliest if at_ms < earliest else at_ms + plan.wait_ms
        due_ms = heard_ms if due_ms is None else min(heard_ms, due_ms)
    return Taken(replace(group, members=tuple(known.values()), due_ms=due_ms), tuple(decisions), count)


def _member(fact: Fact, before: Member | None, at_ms: int) -> Member:
    if before is None:
        return Member(fact, at_ms, since_ms=at_ms)
    began = tuple(each for each in before.began_ms if each > at_ms - FLAPS_MS)
    if before.fact.is_over and not fact.is_over:
        began = (*began, at_ms)
    since_ms = before.since_ms if before.fact.is_over == fact.is_over else at_ms
    return replace(before, fact=fact, came_ms=at_ms, since_ms=since_ms, reason=None, began_ms=began)


def _overtaken(fact: Fact, at_ms: int) -> Decision:
    return Decision(fact.alert_id, fact.source_revision, at_ms, "overtaken")
