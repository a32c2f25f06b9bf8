"""Which fact goes to which channel, and as what notification."""

from collections.abc import Iterable, Iterator
from typing import Final

from proofwatch.events import topics
from proofwatch.events.enumerations import NotificationSeverity
from proofwatch.events.identity import derived_id
from proofwatch.events.types import Notification
from services.notifier.core.facts import Fact
from services.notifier.core.routes import LOG_CHANNEL, Match, Route

UNMATCHED: Final = "unmatched"
"""The route that a notification names when no route of the file wanted it."""

LISTED: Final = frozenset({topics.ESCALATIONS})
"""What people work off a list: a notice of each would be read by nobody. What is wrong, incidents say."""
_RANK: Final[dict[NotificationSeverity, int]] = {
    "info": 0,
    "low": 1,
    "medium": 2,
    "warning": 2,
    "high": 3,
    "critical": 4,
}


def notifications(fact: Fact, routes: Iterable[Route]) -> Iterator[Notification]:
    """Yield one notification for each channel that any matching route names; the first such route is recorded.

    What no route matches goes to the log: nothing is dropped unseen. Cases are in their queue, so they do not.
    """
    told: set[str] = set()
    for route in routes:
        if matches(fact, route.match):
            for channel in route.channels:
                if channel not in told:
                    told.add(channel)
                    yield _notification(fact, route.name, channel)
    if not told and fact.source_topic not in LISTED:
        yield _notification(fact, UNMATCHED, LOG_CHANNEL)


def matches(fact: Fact, match: Match) -> bool:
    """Return whether every condition that the route states holds; what is `LISTED` must be named as its source."""
    return (
        (fact.source_topic not in LISTED if match.source is None else fact.source_topic in match.source)
        and (match.severity is None or _RANK[fact.severity] >= _RANK[match.severity])
        and (match.tenant is None or fact.tenant in match.tenant)
        and (match.state is None or fact.state in match.state)
    )


def _notification(fact: Fact, route: str, channel: str) -> Notification:
    return Notification(
        schema_version=1,
        notification_id=derived_id("notification", fact.source_topic, fact.source_id, fact.source_revision, channel),
        source_topic=fact.source_topic,
        source_id=fact.source_id,
        source_revision=fact.source_revision,
        tenant=fact.tenant,
        route=route,
        channel=channel,
        severity=fact.severity,
        state=fact.state,
        title=fact.title,
        summary=fact.summary,
        created_at=fact.at,
    )
