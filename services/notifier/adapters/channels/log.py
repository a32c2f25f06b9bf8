"""The log as a channel: one line in the process's log, and one JSON line in a file if a path is given."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import structlog

from proofwatch.events import codec
from proofwatch.events.types import Notification
from services.notifier.adapters.channels.kind import ChannelSettings, InvalidChannel, Payload
from services.notifier.core.delivery import Delivered, Failed, Outcome

_log = structlog.get_logger(__name__)


class LogSettings(ChannelSettings):
    """One line in the process's log for each notification, and one JSON line in `path` if that is given."""

    kind: Literal["log"]
    path: str | None = None


def open_log(settings: LogSettings, payload: Payload, environment: Mapping[str, str]) -> "LogChannel":
    """Open the file, to append to it. Raises `InvalidChannel`."""
    try:
        return LogChannel(payload, Path(settings.path) if settings.path else None)
    except OSError as error:
        msg = f"{settings.path} cannot be appended to ({error.strerror}); give a writable path"
        raise InvalidChannel(msg) from error


def notification_line(notification: Notification) -> bytes:
    """Return the notification as a line of JSON."""
    return codec.NOTIFICATION.encode(notification) + b"\n"


class LogChannel:
    """Delivers by writing; lines stand in the order of delivery."""

    def __init__(self, payload: Payload, path: Path | None = None) -> None:
        """`path` is appended to. Raises `OSError` when it cannot be."""
        self._payload = payload
        self._file = path.open("ab", buffering=0) if path else None

    async def deliver(self, notification: Notification, now_ms: int) -> Outcome:
        """Write the notification."""
        if self._file:
            try:
                self._file.write(self._payload(notification))
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
