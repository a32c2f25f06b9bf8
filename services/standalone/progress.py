"""How far a run has come: lines on standard error where no view shows it, and what an interrupted one had written."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from proofwatch.instants import instant_of
from proofwatch.local_time import minute
from proofwatch.plain import one_line

EVERY_S: Final = 10.0
"""A run that is shorter says nothing on its way."""
Stage = Literal["starting", "feeding", "closing", "writing"]
_STAGES: Final[dict[Stage, str]] = {
    "starting": "starting",
    "feeding": "{sent} in, up to {now}",
    "closing": "all {sent} are in; the last windows close",
    "writing": "writing results to {out}",
}
_NOTHING_OF: Final = "no summary, incidents, cases or report"
_LEFT: Final[dict[Stage, str]] = {
    "starting": "nothing had been fed, and {out} has no results",
    "feeding": "{sent} had been fed; {out} has their verdicts, windows, anomalies and notifications so far, and "
    + _NOTHING_OF,
    "closing": "all {sent} had been fed; {out} has their verdicts, windows, anomalies and notifications, of which the "
    "last may be missing, and " + _NOTHING_OF,
    "writing": "{sent} had been fed; {out} has what came of them, of which summary, incidents, cases, report and audit "
    "log may be missing",
}
"""Of a run that was ended at once: what an earlier one had left is gone (`results`)."""


class Progress:
    """Counts what was fed. Says so at most every `EVERY_S` seconds, by a monotonic `clock`, and only if it `speaks`."""

    def __init__(
        self,
        command: str,
        out: Path,
        total: int | None = None,
        zone: str = "UTC",
        *,
        say: Callable[[str], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`total`: how many transactions there are; None: nobody knows. `zone`: whose clock is written."""
        self.speaks = False
        self._command, self._out, self._total, self._zone = command, one_line(str(out)), total, zone
        self._say, self._clock = say or sys.stderr.write, clock
        self._stage: Stage = "starting"
        self._sent, self._now_ms = 0, 0
        self._told = clock()
        self._long = False

    def fed(self, sent: int, now_ms: int) -> None:
        """Note that so many transactions are in, the newest of them of `now_ms` (since 1970)."""
        self._sent, self._now_ms = sent, now_ms
        self._reach("feeding")

    def closing(self) -> None:
        """Note that everything is in."""
        self._reach("closing")

    def writing(self) -> None:
        """Note that everything has closed."""
        self._reach("writing")

    def interrupted(self) -> str:
        """Return what an interrupted run leaves behind, in a sentence."""
        return f"proofwatch {self._command}: interrupted: {_LEFT[self._stage].format(**self._words())}\n"

    def _reach(self, stage: Stage) -> None:
        """A long run tells each stage as it begins, and each goes on telling."""
        late = self._clock() >= self._told + EVERY_S
        if self.speaks and (late or (self._long and stage != self._stage)):
            self._stage = stage
            self._long, self._told = True, self._clock()
            self._say(f"proofwatch {self._command}: {_STAGES[stage].format(**self._words())}\n")
        self._stage = stage

    def _words(self) -> dict[str, str]:
        of_total = f" of {self._total:,}" if self._total and self._stage == "feeding" else ""
        return {
            "sent": f"{self._sent:,}{of_total} transactions",
            "now": minute(instant_of(self._now_ms), self._zone),
            "out": self._out,
        }
