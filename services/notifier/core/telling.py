"""What a group tells at a moment: the pipeline that every message goes through. Pure.

In this order, readable in `around.why_not`: what a silence covers, what is inhibited, what is mute at this time, what
somebody acknowledged, what flaps. What is left is told when there is news in it, an end, or when it is time to repeat
it, `group_interval` after the last message at the earliest; a channel that has had as many messages as it may is told
of ends only. Each member gets its reason.

Source: the notification pipeline of Prometheus Alertmanager (prometheus.io/docs/alerting), and what is added to it
here: acknowledgement, escalation, limits, flapping.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from services.notifier.core.around import Around, why_not
from services.notifier.core.decisions import Decision, Reason
from services.notifier.core.facts import Fact
from services.notifier.core.groups import REMEMBERED_MS, Acknowledged, Group, Member, Told
from services.notifier.core.routes import Plan
from services.notifier.core.routing import RANK

DIGEST: Final = "digest"
"""The name of the plan by which what was long past when it came is told."""
Kind = Literal["fresh", "standing", "listed", "ending", "held", "over"]


class Message(NamedTuple):
    """What a channel is told at once."""

    sequence: int
    at_ms: int
    news: tuple[Fact, ...]
    """What fires and was not told so, the gravest first."""
    standing: tuple[Fact, ...]
    """What fires still, and is told again. What people work off a list (`raised`) is not."""
    ended: tuple[Fact, ...]
    flapping: tuple[Fact, ...]
    """Of `news`, what comes and goes."""

    @property
    def lead(self) -> Fact:
        """The fact that it is named after."""
        return (*self.news, *self.ended, *self.standing)[0]


class Seen(NamedTuple):
    """A member as it is at the moment, and why it is not told."""

    member: Member
    kind: Kind
    reason: Reason | None = None
    by: str = ""
    again_ms: int | None = None
    """When it is to be looked at again."""


class Flushed(NamedTuple):
    """What one look at a group comes to."""

    group: Group
    message: Message | None
    decisions: tuple[Decision, ...]
    escalated: tuple[Fact, ...] = ()
    """What further channels are to be told of, for nobody acknowledged it."""


def flushed(group: Group, plan: Plan, around: Around, at_ms: int) -> Flushed:
    """Return what is told at `at_ms`, by a group that is due."""
    ack = around.acknowledgement(at_ms)
    seen = [_seen(member, plan, around, at_ms) for member in group.members]
    free_ms = around.limit.free_ms(around.channel_told_ms, at_ms) if around.limit else at_ms
    if free_ms > at_ms:
        seen = [_limited(each, free_ms) if each.kind == "fresh" else each for each in seen]
    fresh, standing, ending = _of(seen, "fresh"), _of(seen, "standing"), _of(seen, "ending")
    repeat_ms = _repeat_ms(group, plan, standing)
    repeats = repeat_ms is not None and max(repeat_ms, free_ms) <= at_ms
    message = None
    if (fresh or ending or repeats) and at_ms >= group.open_ms(plan.interval_ms):
        message = _message(group.sequence + 1, at_ms, fresh, standing, ending)
    after = _after(group, seen, message, ack, at_ms)
    escalated = _escalated(after, plan, seen, at_ms)
    if escalated:
        after = replace(after, escalated=after.sequence)
    after = replace(after, due_ms=_due_ms(after, plan, seen, message, free_ms, at_ms))
    return Flushed(after, message, tuple(_decisions(seen, message, plan, at_ms)), escalated)


def _seen(member: Member, plan: Plan, around: Around, at_ms: int) -> Seen:
    fact, told = member.fact, member.told
    if fact.is_over and not member.is_known:
        return Seen(member, "over", "overtaken" if member.is_open else member.reason)
    if fact.is_over:
        if member.flapping and (unstable_ms := member.unstable_until_ms(at_ms)):
            return Seen(member, "held", "flapping", again_ms=unstable_ms)
        return Seen(member, "ending")
    if fact.once and told:
        return Seen(member, "over")
    if held := why_not(member, plan, around, at_ms):
        return Seen(member, "held", held.reason, held.by, held.again_ms)
    if told is not None and not told.over and fact.source_revision <= told.revision:
        return Seen(member, "standing" if fact.state == "firing" else "listed")
    return Seen(member, "fresh")


def _limited(seen: Seen, free_ms: int) -> Seen:
    return seen._replace(kind="held", reason="rate_limited", again_ms=free_ms)


def _of(seen: Sequence[Seen], kind: Kind) -> list[Seen]:
    found = [each for each in seen if each.kind == kind]
    return sorted(
        found, key=lambda each: (-RANK[each.member.fact.severity], each.member.fact.at, each.member.fact.alert_id)
    )


def _repeat_ms(group: Group, plan: Plan, standing: Sequence[Seen]) -> int | None:
    """Return when what fires is told again."""
    return group.told_ms + plan.repeat_ms if standing and plan.repeat_ms and group.told_ms is not None else None


def _message(
    sequence: int, at_ms: int, fresh: Sequence[Seen], standing: Sequence[Seen], ending: Sequence[Seen]
) -> Message:
    def facts(seen: Sequence[Seen]) -> tuple[Fact, ...]:
        return tuple(each.member.fact for each in seen)

    flapping = [each for each in fresh if each.member.flaps(at_ms)]
    return Message(sequence, at_ms, facts(fresh), facts(standing), facts(ending), facts(flapping))


def _after(group: Group, seen: Sequence[Seen], message: Message | None, ack: Acknowledged | None, at_ms: int) -> Group:
    members = tuple(kept for each in seen if (kept := _kept(each, message, at_ms)) is not None)
    known = [each.told.sequence for each in members if each.told and not each.told.over and not each.fact.once]
    of_before = [sequence for sequence in known if sequence <= group.sequence]
    heard = not of_before or (ack is not None and max(of_before) <= ack.sequence)
    unheard_ms = None if heard else group.unheard_ms
    if unheard_ms is None and len(known) > len(of_before):
        unheard_ms = at_ms
    escalated = group.escalated if unheard_ms == group.unheard_ms else 0
    after = replace(group, members=members, unheard_ms=unheard_ms, escalated=escalated)
    return replace(after, sequence=message.sequence, told_ms=at_ms) if message else after


def _kept(seen: Seen, message: Message | None, at_ms: int) -> Member | None:
    """Return the member as it is kept; None: it is forgotten. What is over is remembered for a while."""
    member = seen.member
    if message and seen.kind in ("fresh", "ending"):
        fact = member.fact
        told = Told(fact.source_revision, fact.is_over, RANK[fact.severity], message.sequence)
        return replace(member, told=told, reason=None, flapping=seen.kind == "fresh" and member.flaps(at_ms))
    if seen.kind == "over" and at_ms >= member.came_ms + REMEMBERED_MS:
        return None
    flapping = member.flapping and member.unstable_until_ms(at_ms) is not None
    return replace(member, reason=seen.reason, flapping=flapping)


def _escalated(group: Group, plan: Plan, seen: Sequence[Seen], at_ms: int) -> tuple[Fact, ...]:
    """Return what fires, was told, and is kept from nobody by a silence or the like."""
    if not plan.escalate or group.unheard_ms is None or group.escalated:
        return ()
    if at_ms < group.unheard_ms + plan.escalate.after:
        return ()
    open_ids = {each.member.fact.alert_id for each in seen if each.kind in ("fresh", "standing", "listed")}
    known = (each.fact for each in group.members if each.is_known and not each.fact.once and not each.fact.is_over)
    return tuple(fact for fact in known if fact.alert_id in open_ids)


def _due_ms(
    group: Group, plan: Plan, seen: Sequence[Seen], message: Message | None, free_ms: int, at_ms: int
) -> int | None:
    """Return when the group is looked at again; `free_ms`: before that its channel takes nothing."""
    open_ms = group.open_ms(plan.interval_ms)
    times = [each.again_ms for each in seen if each.again_ms is not None]
    times += [open_ms for each in seen if message is None and each.kind in ("fresh", "ending")]
    standing = [each for each in seen if each.kind in ("standing", "fresh") and each.member.fact.state == "firing"]
    repeat_ms = _repeat_ms(group, plan, standing)
    times += [] if repeat_ms is None else [max(repeat_ms, free_ms, at_ms + 1)]
    times = [max(each, open_ms) for each in times]
    if plan.escalate and group.unheard_ms is not None and not group.escalated:
        times.append(group.unheard_ms + plan.escalate.after)
    return min((each for each in times if each > at_ms), default=None)


def _decisions(seen: Sequence[Seen], message: Message | None, plan: Plan, at_ms: int) -> Iterator[Decision]:
    lead = message.lead if message else None
    for each in seen:
        fact = each.member.fact
        if message and each.kind in ("fresh", "ending"):
            reason: Reason = "backfill" if plan.name == DIGEST else "sent" if fact is lead else "grouped"
            yield Decision(fact.alert_id, fact.source_revision, at_ms, reason, sequence=message.sequence)
        elif each.reason and each.reason != each.member.reason:
            yield Decision(fact.alert_id, fact.source_revision, at_ms, each.reason, each.by)
