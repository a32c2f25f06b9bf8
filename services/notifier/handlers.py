"""The stage of the notifier: decode, route, keep as pending, and publish what was kept."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from proofwatch.bus.records import Batch, Outgoing, Output, Record, Rejection, TopicPartition
from proofwatch.bus.stage import History
from proofwatch.events import codec, topics
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Notification
from proofwatch.events.wire import JSON, Wire
from services.notifier.core.facts import Fact, of_escalation, of_incident, of_platform_alert
from services.notifier.core.routes import Route
from services.notifier.core.routing import notifications
from services.notifier.ports import NotificationLog

Tx = TypeVar("Tx")

_MAX_ID: Final = 128  # the schema's limit of source_id
_MAX_REVISION: Final = 2**63 - 1


class NotifierStage(Generic[Tx]):
    """Turns incidents, escalations and platform alerts into pending notifications."""

    def __init__(self, log: NotificationLog[Tx], routes: Sequence[Route], wire: Wire = JSON) -> None:
        self._log = log
        self._routes = routes
        self._incident, self._escalation = wire.decoder(codec.INCIDENT), wire.decoder(codec.ESCALATION)
        self._platform_alert = wire.decoder(codec.PLATFORM_ALERT)
        self._notification = wire.encoder(codec.NOTIFICATION)

    async def opened(self, source: TopicPartition, position: int, history: History) -> None:
        """Nothing to load."""

    async def closed(self, source: TopicPartition) -> None:
        """Nothing to forget."""

    async def step(self, batch: Batch, tx: Tx) -> Sequence[Output]:
        """Keep the batch's notifications; return rejections, then the notifications that are new."""
        rejections: list[Rejection] = []
        pending: dict[str, tuple[Notification, Record]] = {}
        for record in batch.records:
            try:
                fact = _fact(self._decode, batch.source.topic, record)
            except Rejected as rejected:
                rejections.append(Rejection.of(record, rejected))
                continue
            for each in notifications(fact, self._routes) if fact else ():
                pending.setdefault(each.notification_id, (each, record))
        if not pending:
            return rejections
        new = await self._log.add([each for each, _ in pending.values()], tx)
        told = [self._outgoing(each, record) for each, record in pending.values() if each.notification_id in new]
        return [*rejections, *told]

    def _decode(self, topic: str, value: bytes | None) -> Fact | None:
        match topic:
            case topics.INCIDENTS:
                return of_incident(self._incident(value))
            case topics.ESCALATIONS:
                return of_escalation(self._escalation(value))
            case _:
                return of_platform_alert(self._platform_alert(value))

    def _outgoing(self, notification: Notification, record: Record) -> Outgoing:
        return Outgoing(
            topic=topics.NOTIFICATIONS,
            key=notification.channel.encode(),
            value=self._notification(notification),
            timestamp_ms=record.timestamp_ms,
        )


def _fact(decode: Callable[[str, bytes | None], Fact | None], topic: str, record: Record) -> Fact | None:
    try:
        fact = decode(topic, record.value)
    except OverflowError:
        raise Rejected("schema_mismatch", "a date-time must lie within the years 1 to 9999 in UTC") from None
    if fact and (not 0 < len(fact.source_id) <= _MAX_ID or "\0" in fact.source_id):
        raise Rejected("schema_mismatch", f"the event's id must be text of 1 to {_MAX_ID} characters without U+0000")
    if fact and fact.source_revision > _MAX_REVISION:
        raise Rejected("schema_mismatch", f"$.revision: must be a whole number from 1 to {_MAX_REVISION}")
    return fact
