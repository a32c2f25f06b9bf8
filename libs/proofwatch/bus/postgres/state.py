"""Whether a process's database does its work: told once for all who use it, and to be asked for.

All lanes, relays and queues of a process meet the same outage at the same time, and go on trying. It is over when each
of them was served again in what it had failed with.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog

from proofwatch.bus.errors import DatabaseAway
from proofwatch.runtime.conditions import Condition

_FORGOTTEN_S: Final = 60.0
"""Who has not failed for so long does not try any more: its partition went elsewhere. Retries are far more frequent."""

_log = structlog.get_logger(__name__)


class DatabaseState:
    """The troubles of one pool's users, each under a name of its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds."""
        self._clock = clock
        self._away = Condition(_log, "database_away", now=clock)
        self._failing: dict[str, float] = {}

    def failed(self, user: str, error: DatabaseAway) -> None:
        """Note that `user` met `error`."""
        self._failing[user] = self._clock()
        self._away.holds(error.kind, reason=str(error))

    def succeeded(self, user: str) -> None:
        """Note that `user` was served."""
        if not self._failing or self._failing.pop(user, None) is None:
            return
        old = self._clock() - _FORGOTTEN_S
        self._failing = {each: at for each, at in self._failing.items() if at >= old}
        if not self._failing:
            self._away.clears()
