"""Tenants' calendars, as governance has put them in force."""

from collections.abc import Iterator

from proofwatch.governance.activations import Entry, TimelineKey
from proofwatch.governance.calendar import Calendar
from proofwatch.governance.follower import Follower
from proofwatch.governance.tenant import Tenant
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.calendars import DaysOf


class GovernedCalendars:
    """`core.calendars.Calendars`, by what a follower has read."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def require(self, log_ms: int) -> None:
        """Raise `ReplicaBehind` unless everything is known that was in force at a log time."""
        self._follower.require(log_ms)

    def tenants(self) -> Iterator[str]:
        """Yield the tenants whose settings were ever put in force."""
        for line in self._follower.replica.activations.lines():
            if line.kind == "tenant":
                yield line.scope

    def days_of(self, since_ms: int) -> DaysOf:
        """Return the days of tenants, put together anew only when their settings change."""
        known: dict[str, tuple[list[Entry], TenantDays]] = {}

        def days(tenant: str) -> TenantDays:
            entries = self._follower.replica.activations.effective(TimelineKey("tenant", "live", tenant))
            found = known.get(tenant)
            if found is None or found[0] is not entries:  # the replica makes another list when one is added
                found = known[tenant] = entries, TenantDays(self._calendars(entries), since_ms)
            return found[1]

        return days

    def _calendars(self, entries: list[Entry]) -> Iterator[tuple[int, Calendar]]:
        for entry in entries:
            document = self._follower.replica.documents.get("tenant", entry.hash)
            if document is not None and isinstance(document.content, Tenant):
                yield entry.from_ms, document.content.calendar()
