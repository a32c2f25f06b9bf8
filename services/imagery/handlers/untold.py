"""Alerts that are told at once, or as soon as the bus answers: what they are about is denied and in the log already."""

from collections.abc import Awaitable, Callable

import structlog

from proofwatch.bus.errors import BusError
from proofwatch.bus.records import Outgoing

_log = structlog.get_logger(__name__)


class Untold:
    """What is still to be told: of each thing its newest alert."""

    def __init__(self, tell: Callable[[Outgoing], Awaitable[None]]) -> None:
        self._tell = tell
        self._waiting: dict[tuple[str, str], Outgoing] = {}

    async def told(self, about: tuple[str, str], alert: Outgoing) -> None:
        """Tell it now, if that can be; with it what waits."""
        self._waiting[about] = alert
        await self.late()

    async def late(self) -> int:
        """Tell what could not be told yet; return how many that were."""
        told = 0
        for about, alert in list(self._waiting.items()):
            try:
                await self._tell(alert)
            except BusError as error:
                _log.warning("imagery_alert_untold", waiting=len(self._waiting), reason=str(error))
                return told
            self._waiting.pop(about, None)
            told += 1
        return told
