"""What is published of windows that closed or were restated: they themselves, and what is found in them."""

from heapq import merge as merged_by
from typing import Any

from proofwatch.bus.records import Batch, Outgoing
from proofwatch.events.wire import Wire
from proofwatch.governance.policy import Monitoring
from services.aggregator.core.calendars import DaysOf
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.governed_markers import NOBODY, Governed, Policies
from services.aggregator.core.log_end import Heard, silent_until
from services.aggregator.handlers.minute_findings import MinuteFindings
from services.aggregator.handlers.open_windows import OpenWindows
from services.aggregator.handlers.timing_findings import TimingFindings
from services.aggregator.handlers.version_findings import VersionFindings
from services.aggregator.handlers.window_findings import WindowFindings
from services.aggregator.ports.windows import WindowsStores


class Findings:
    """Rates by window, by minute and by version, and times; it keeps nothing of a lane."""

    def __init__(
        self, monitoring: Monitoring, grace_ms: int, wire: Wire, stores: WindowsStores, heard: Heard, policies: Policies
    ) -> None:
        self._heard, self._policies, self._versions_store = heard, policies, stores.versions
        self._windows = WindowFindings(monitoring, grace_ms, wire, stores)
        self._minutes = MinuteFindings(monitoring, grace_ms, wire, stores.minutes)
        self._versions = VersionFindings(monitoring, grace_ms, wire, stores.versions)
        self._timings = TimingFindings(wire, stores.timings, stores.versions)

    async def publish(
        self,
        revised: list[WindowRevision],
        batch: Batch,
        lane: OpenWindows,
        past_ms: int | None,
        days_of: DaysOf,
        tx: Any,
    ) -> list[Outgoing]:
        """Return the windows and what is found in them, in the order of their times, however the log was cut.

        `past_ms`: what ended by then has closed.
        """
        heard_ms, partition = self._heard(), batch.source.partition
        silent_ms = silent_until(past_ms, heard_ms)
        governed = await self._governed(revised, lane, silent_ms, tx)
        windows = await self._windows.publish(
            revised, batch.progress_ms, lane, past_ms, heard_ms, partition, days_of, governed, tx
        )
        minutes = await self._minutes.publish(
            revised, batch.progress_ms, lane.due, silent_ms, partition, days_of, governed, tx
        )
        versions = await self._versions.publish(
            revised, batch.progress_ms, lane.versions_due, silent_ms, partition, days_of, governed, tx
        )
        timings = await self._timings.publish(revised, batch.progress_ms, partition, days_of, governed, tx)
        return list(merged_by(windows, minutes, versions, timings, key=lambda each: each.timestamp_ms or 0))

    async def _governed(
        self, revised: list[WindowRevision], lane: OpenWindows, silent_ms: int | None, tx: Any
    ) -> Governed:
        """Return the governed markers of the tenants that are looked at: of policies, and declared by people."""
        tenants = {each.key.tenant for each in revised} | set(lane.versions_due.by(silent_ms))
        if not tenants:
            return NOBODY
        found = {tenant: list(markers) for tenant, markers in self._policies.markers(tenants).items()}
        for each in await self._versions_store.load_declared(tx, tenants):
            found.setdefault(each.tenant, []).append(each.marker())
        return found
