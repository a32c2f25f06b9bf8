"""The body of a webhook."""

import json

import pytest

from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.routes import Match, Route
from services.notifier.core.routing import notifications
from services.notifier.core.webhook_body import webhook_body
from tests.unit.notifier.events import escalation, incident, platform_alert


@pytest.mark.parametrize(
    ("fact", "kind", "at"),
    [
        (of_incident(incident()), "incident.firing", "2026-01-01T00:10:00Z"),
        (of_escalation(escalation()), "escalation.raised", "2026-01-01T00:00:00Z"),
        (of_platform_alert(platform_alert(state="resolved")), "platform-alert.resolved", "2026-01-01T00:00:00Z"),
    ],
)
def test_a_body_says_type_time_and_what_happened(fact: Fact, kind: str, at: str) -> None:
    """The three members that Standard Webhooks recommends; `data` is the notification event."""
    wanted = Route(name="all", match=Match(source=(fact.source_topic,)), channels=("log",))
    (notification,) = notifications(fact, (wanted,))
    sent = json.loads(webhook_body(notification))
    assert (sent["type"], sent["timestamp"]) == (kind, at)
    assert sent["data"]["notification_id"] == notification.notification_id
    assert webhook_body(notification) == webhook_body(notification)
