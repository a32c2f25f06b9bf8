"""What a step finds in the durations of days: records of anomalies."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from msgspec.structs import replace

from proofwatch.bus.records import Outgoing
from proofwatch.events.codec import ANOMALY
from proofwatch.events.wire import Wire
from proofwatch.instants import instant_of
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.governed_markers import Governed
from services.aggregator.core.times import DAY_S
from services.aggregator.core.timing_jumps import judged
from services.aggregator.core.versions.told import changed_metrics
from services.aggregator.handlers.found_record import found_record
from services.aggregator.ports.watches import TimingsStore, VersionsStore

_AT_ONCE: Final = 20
"""Days of tenants between two statements: see `minute_findings`."""


class TimingFindings:
    """Moves what is usual of durations by days that closed or were restated, and makes records of what is found."""

    def __init__(self, wire: Wire, store: TimingsStore, versions: VersionsStore) -> None:
        """`versions` knows which durations a new version is told to have changed."""
        self._store = store
        self._versions = versions
        self._encode = wire.encoder(ANOMALY)

    async def publish(
        self,
        revised: Sequence[WindowRevision],
        timestamp_ms: int | None,
        partition: int,
        days_of: DaysOf,
        governed: Governed,
        tx: Any,
    ) -> list[Outgoing]:
        """Return what the revised days tell; what a closing tells has the time at which it was due.

        `governed`: the markers of these tenants.
        """
        chosen = (each for each in revised if each.key.length_s == DAY_S and not each.backfill)
        days = [(key, list(windows)) for key, windows in groupby(chosen, key=lambda each: each.key)]
        outgoing: list[Outgoing] = []
        for begin in range(0, len(days), _AT_ONCE):
            some = days[begin : begin + _AT_ONCE]
            tenants = {key.tenant for key, _ in some}
            timings = await self._store.load_timings(tx, tenants)
            versions = await self._versions.load_versions(tx, tenants)
            for key, windows in some:
                explained = changed_metrics(versions[key.tenant])
                due_ms, end_ms = windows[0].due_ms, key.end_by(days_of)
                shown, markers = [each.window for each in windows], governed.get(key.tenant, ())
                outgoing += [
                    found_record(
                        self._encode,
                        replace(each, window_end=instant_of(end_ms)),
                        days_of,
                        timestamp_ms if due_ms is None else due_ms,
                    )
                    for each in judged(timings[key.tenant], key, shown, explained, markers, end_ms)
                ]
            await self._store.save_timings(tx, partition, timings)
        return sorted(outgoing, key=lambda each: each.timestamp_ms or 0)
