"""How far time has moved in a lane's partition: by records, and by the clock while nothing comes."""

from collections.abc import Callable, Sequence

from proofwatch.bus.lanes.settings import LaneSettings
from proofwatch.bus.port import Look
from proofwatch.bus.records import Record
from proofwatch.bus.wrappers.timely import stamped


class TimeProgress:
    """The time up to which a partition has been seen, in milliseconds since the Unix epoch; None: not known yet."""

    def __init__(self, settings: LaneSettings) -> None:
        self._live = settings.live_progress
        self._ahead_ms = settings.ahead_ms
        self._idle_ms = int(settings.idle_s * 1000)
        self.reached_ms: int | None = None
        """Where it stood with the last batch that was committed; None after an owner was lost."""
        self.within: Callable[[int], int | None] | None = None
        """How far it may go, of what was written before a time (`upstream`); None: the partition is all there is."""

    def after(self, records: Sequence[Record], now_ms: int) -> tuple[Sequence[Record], int | None]:
        """Return records with the times that they may have had (`wrappers.timely`), and the progress behind them."""
        records, newest_ms = stamped(records, now_ms, live=self._live, ahead_ms=self._ahead_ms)
        return records, self._further(newest_ms)

    def idle(self, look: Look | None, now_ms: int) -> int | None:
        """Return the progress when the last look found nothing.

        What was appended before the last answer would have been seen, and before the wait began. Without answers time
        stands still, and while a transaction is open: it may bring records of any time since it began.
        """
        if not self._live or look is None or look.open:
            return self.reached_ms
        return self._further(now_ms - max(self._idle_ms, look.ago_ms))

    def _further(self, seen_ms: int | None) -> int | None:
        if seen_ms is not None and self.within is not None and self._live:
            until_ms = self.within(seen_ms)
            seen_ms = None if until_ms is None else min(seen_ms, until_ms)
        return max((at for at in (self.reached_ms, seen_ms) if at is not None), default=None)
