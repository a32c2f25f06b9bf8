"""The body of a webhook."""

import json

import pytest

from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.webhook_body import webhook_body
from tests.unit.notifier.courses import told_alone
from tests.unit.notifier.events import escalation, incident, platform_alert


@pytest.mark.parametrize(
    ("fact", "kind"),
    [
        (of_incident(incident()), "incident.firing"),
        (of_escalation(escalation()), "escalation.raised"),
        (of_platform_alert(platform_alert(state="resolved")), "platform-alert.resolved"),
    ],
)
def test_a_body_says_type_time_and_what_happened(fact: Fact, kind: str) -> None:
    """The three members that Standard Webhooks recommends; `data` is the notification event."""
    notification = told_alone(fact)
    sent = json.loads(webhook_body(notification))
    assert (sent["type"], sent["timestamp"]) == (kind, sent["data"]["created_at"])
    assert sent["data"]["notification_id"] == notification.notification_id
    assert webhook_body(notification) == webhook_body(notification)
