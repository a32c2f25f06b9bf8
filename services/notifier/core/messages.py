"""A message as the event that is kept, published and sent: ids, numbers, reasons; nothing of whom they concern."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from proofwatch.events.identity import derived_id
from proofwatch.events.types import Notification, Told
from services.notifier.core.facts import Fact
from services.notifier.core.routing import Target
from services.notifier.core.telling import Message

_TITLE: Final = 256
_SUMMARY: Final = 2048
"""The schema's limits."""
_LISTED: Final = 20
"""So many facts are listed by their titles; the others are counted."""


def notification(target: Target, message: Message) -> Notification:
    """Return it. Its id follows from the group and the number of its message there."""
    lead = message.lead
    facts = (*message.news, *message.standing, *message.ended)
    return Notification(
        schema_version=1,
        notification_id=derived_id("notification", target.group_id, message.sequence),
        source_topic=lead.source_topic,
        source_id=lead.source_id,
        source_revision=lead.source_revision,
        tenant=lead.tenant if len({each.tenant for each in facts}) == 1 else None,
        route=target.plan.name,
        channel=target.channel,
        severity=lead.severity,
        state=lead.state,
        title=_fitting(_title(message), _TITLE),
        summary=_fitting(_summary(message), _SUMMARY),
        created_at=datetime.fromtimestamp(message.at_ms / 1000, UTC),
        group_id=target.group_id,
        sequence=message.sequence,
        alerts=tuple(map(_told, facts[:_LISTED])),
        alerts_count=len(facts),
    )


def _title(message: Message) -> str:
    lead, told = message.lead, [*message.news, *message.ended]
    standing = len(message.standing)
    if not told:
        return _led("Still: ", lead, _more(standing - 1))
    flaps = " (comes and goes)" if lead in message.flapping else ""
    still = f" ({standing:,} other{'s' if standing > 1 else ''} still fire{'' if standing > 1 else 's'})"
    return _led("", lead, f"{flaps}{_more(len(told) - 1)}{still if standing else ''}")


def _led(before: str, lead: Fact, behind: str) -> str:
    return f"{before}{_fitting(lead.title, _TITLE - len(before) - len(behind))}{behind}"


def _more(count: int) -> str:
    return f" (and {count:,} more)" if count else ""


def _summary(message: Message) -> str:
    lead = message.lead
    others = [
        ("Also fires: ", [each for each in message.news if each is not lead]),
        ("Still fires: ", [each for each in message.standing if each is not lead]),
        ("Has ended: ", [each for each in message.ended if each is not lead]),
    ]
    flaps = "It has come and gone several times within an hour; it is told again when it stays as it is. "
    return (flaps if message.flapping else "") + " ".join(
        [lead.summary, *(_listed(*each) for each in others if each[1])]
    )


def _listed(what: str, facts: Sequence[Fact]) -> str:
    named = "; ".join(f"{each.title} ({each.source_id})" for each in facts[:3])
    return f"{what}{named}{f'; and {len(facts) - 3:,} more' if len(facts) > 3 else ''}."


def _told(fact: Fact) -> Told:
    return Told(
        source_topic=fact.source_topic,
        source_id=fact.source_id,
        source_revision=fact.source_revision,
        severity=fact.severity,
        state=fact.state,
    )


def _fitting(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
