"""Watches over the subject store for as long as the service lives."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from proofwatch.runtime.conditions import Condition
from proofwatch.runtime.pause import pause
from services.scorer.ports import Subjects, SubjectsUnavailable

_log = structlog.get_logger(__name__)
_EVERY_S: Final = 2.0
_NOTES: Final = 30


class SubjectsWatch:
    """A part of the service (`runtime.service.Part`): ready while the store answers; closes it in the end.

    Lanes need no telling: without it their steps fail and they try again.
    """

    def __init__(self, subjects: Subjects, note: Callable[[], Awaitable[None]], every_s: float = _EVERY_S) -> None:
        """`every_s`: seconds between two looks. `note` is called at every thirtieth: see `SubjectStates.look`."""
        self._subjects = subjects
        self._note = note
        self._looks = 0
        self._every_s = every_s
        self._answers = False
        self._away = Condition(_log, "subjects_unavailable")
        self._unnoted = Condition(_log, "subjects_not_noted")
        self._stopped = asyncio.Event()

    async def start(self) -> None:
        """Look once. Raises `SubjectsUnavailable`: without its subjects there is nothing to begin with."""
        await self._subjects.ping()
        self._answers = True

    async def step(self, *, idle: bool = False) -> int:
        """Look now, when idle; takes no records."""
        if idle:
            await self._look()
        return 0

    async def run(self) -> None:
        """Look again and again until `stop`."""
        while not self._stopped.is_set():
            await self._look()
            await pause(self._stopped, self._every_s)

    async def stop(self) -> None:
        """Close the store; idempotent."""
        self._answers = False
        self._stopped.set()
        await self._subjects.close()

    def unready(self) -> Sequence[str]:
        """Return that the store did not answer last time; empty: it did."""
        return [] if self._answers else ["Redis does not answer: subjects cannot be read"]

    async def _look(self) -> None:
        try:
            await self._subjects.ping()
        except SubjectsUnavailable as error:
            self._answers = False
            self._away.holds(reason=str(error))
        else:
            self._answers = True
            self._away.clears()
        self._looks += 1
        if self._looks % _NOTES == 0:
            try:
                await self._note()
            except Exception as error:  # noqa: BLE001 - whatever the client library raises; only catch-ups get longer
                self._unnoted.holds(type(error).__name__, reason=str(error))
            else:
                self._unnoted.clears()
