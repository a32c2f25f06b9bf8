"""What goes on and on is told when it begins, once a minute while it lasts, and when it is over."""

import time
from collections.abc import Callable
from typing import Any, Final

EVERY_S: Final = 60.0


class Condition:
    """A condition that may hold for long, such as a database that is away, as a bounded number of log lines.

    >>> away = Condition(log, "database_away")
    >>> away.holds("ConnectionRefusedError", retry_s=0.5)  # at every attempt that fails
    >>> away.clears()  # at every attempt that succeeds

    Each state is told when it appears and then once in `every_s`, with `times`: how often it was there since the line
    before. A condition that comes and goes, or a state that alternates, is told no more often than one that stays.
    """

    def __init__(
        self, log: Any, event: str, *, every_s: float = EVERY_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`log`: a structlog logger; `event`: the name of the lines, `<event>_over` when it clears."""
        self._log = log
        self._event = event
        self._every_s = every_s
        self._now = now
        self._began_at: float | None = None
        self._times = 0
        self._told: dict[str, tuple[float, int]] = {}  # by state: when it was told last, and how often it came since
        self._over_owed = False

    def holds(self, state: str = "", **fields: Any) -> None:
        """Say that it holds, in `state` (one of few, as an error's class): a warning unless it was told lately."""
        now = self._now()
        if self._began_at is None:
            self._began_at, self._times = now, 0
        self._times += 1
        told_at, since = self._told.get(state, (None, 0))
        if told_at is not None and now - told_at < self._every_s:
            self._told[state] = (told_at, since + 1)
            return
        self._told[state] = (now, 0)
        self._over_owed = True
        named = {"state": state} if state else {}
        self._log.warning(self._event, **named, **fields, **({"times": since + 1} if since else {}))

    def clears(self, **fields: Any) -> None:
        """Say that it does not hold (any more): one line if it was told that it does. Cheap while nothing is wrong."""
        if self._began_at is None:
            return
        lasted_s, self._began_at = self._now() - self._began_at, None
        if self._over_owed:
            self._over_owed = False
            self._log.info(f"{self._event}_over", times=self._times, lasted_s=round(lasted_s, 1), **fields)
