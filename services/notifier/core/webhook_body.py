"""What a receiver gets: the body of a webhook, in the shape that Standard Webhooks recommends."""

from datetime import datetime
from typing import Final

import msgspec

from proofwatch.events import topics
from proofwatch.events.types import Notification

_EVENTS: Final = {
    topics.INCIDENTS: "incident",
    topics.ESCALATIONS: "escalation",
    topics.PLATFORM_ALERTS: "platform-alert",
}
_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


class _Body(msgspec.Struct):
    type: str
    timestamp: datetime
    data: Notification


def webhook_body(notification: Notification) -> bytes:
    """Return `{"type": "anomaly.firing", "timestamp": …, "data": <notification>}`; a repeat has equal bytes."""
    kind = f"{_EVENTS[notification.source_topic]}.{notification.state}"
    return _ENCODER.encode(_Body(kind, notification.created_at, notification))
