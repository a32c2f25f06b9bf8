"""What a tallies partition has in hand of its windows: a cache of the database."""

from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.cusum.late import LateCounts
from services.aggregator.core.journal import CHECKPOINT_BYTES, CHECKPOINT_STEPS
from services.aggregator.core.quiet import SILENCE_MS, overdue
from services.aggregator.core.real_time.due import DueTimes
from services.aggregator.core.segment_values import Admitted
from services.aggregator.ports.windows import Opened, Progress


class OpenWindows:
    """How far the partition's sources are merged, the buckets that are open, what fires, who is due.

    It counts its steps, and so does the database: where the two differ, somebody's transaction was rolled back or
    another process was here, and the cache is read anew.
    """

    def __init__(
        self,
        progress: Progress,
        opened: Opened,
        firing: Anomalies,
        due: DueTimes,
        versions_due: DueTimes,
        late: dict[str, LateCounts] | None = None,
    ) -> None:
        self.step, self.sources = progress
        self.open, self.changed, self.journal_steps, self.journal_bytes = opened
        self.firing = firing
        self.due, self.versions_due = due, versions_due
        self.late = late or {}
        self.values: dict[str, Admitted] = {}
        self.tidy_at_ms = 0

    def is_long(self) -> bool:
        """Return whether the journal is to be replaced by the buckets themselves."""
        return self.journal_steps >= CHECKPOINT_STEPS or self.journal_bytes >= CHECKPOINT_BYTES

    def silent(self, until_ms: int | None, days_of: DaysOf) -> set[str]:
        """Return the tenants of which something fires that has been silent for too long by then."""
        if until_ms is None or not self.firing:
            return set()
        return {key.tenant for _, key in overdue(self.firing, SILENCE_MS, until_ms, days_of)}

    def note(self, changed: Anomalies) -> None:
        """Remember what fires."""
        for key, state in changed.items():
            if state.state == "firing":
                self.firing[key] = state
            else:
                self.firing.pop(key, None)
