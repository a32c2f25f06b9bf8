"""The log as a channel: one line in the process's log, and one JSON line in a file if a path is given."""

from pathlib import Path

import structlog

from proofwatch.events import codec
from proofwatch.events.types import Notification
from services.notifier.core.delivery import Delivered, Failed, Outcome

_log = structlog.get_logger(__name__)


class LogChannel:
    """Delivers by writing; lines stand in the order of delivery."""

    def __init__(self, path: Path | None = None) -> None:
        """`path` is appended to. Raises `OSError` when it cannot be."""
        self._file = path.open("ab", buffering=0) if path else None

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Write the notification."""
        if self._file:
            try:
                self._file.write(codec.NOTIFICATION.encode(notification) + b"\n")
            except OSError as error:
                return Failed(type(error).__name__)
        _log.info(
            "notification",
            notification_id=notification.notification_id,
            severity=notification.severity,
            state=notification.state,
            tenant=notification.tenant,
            source_topic=notification.source_topic,
            source_id=notification.source_id,
            source_revision=notification.source_revision,
            route=notification.route,
            title=notification.title,
            summary=notification.summary,
        )
        return Delivered()

    async def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()
