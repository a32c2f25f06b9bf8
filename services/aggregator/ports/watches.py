"""What the watches over closed windows remember: minutes, charts of rates, versions, durations."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from services.aggregator.core.cusum.late import LateCounts
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.governed_markers import Declared
from services.aggregator.core.real_time.tenant import TenantState
from services.aggregator.core.segment_values import Admitted
from services.aggregator.core.timing_jumps import Timings
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.tenant import TenantVersions


class MinuteWatchStore(Protocol):
    """What the watch over minutes remembers of each tenant: `adapters.minute_watch_store`."""

    async def load_tenants(self, tx: Any, tenants: Collection[str]) -> dict[str, TenantState]:
        """Return the states of these tenants; a new one where nothing is stored."""
        ...

    async def load_due(self, tx: Any, partition: int) -> dict[str, int]:
        """Return by when the tenants of a tallies partition are to be told of, if nothing comes; ms since 1970."""
        ...

    async def save_tenants(self, tx: Any, partition: int, states: Mapping[str, tuple[TenantState, int | None]]) -> None:
        """Store the states and when they are due."""
        ...

    async def attend(self, tx: Any) -> None:
        """Say that the transaction goes on, when nothing is asked for long."""
        ...


class RateChartsStore(Protocol):
    """Charts of the rates of every tenant and segment value, and the hours behind them: `adapters.rate_chart_store`."""

    async def load_rates(self, tx: Any, keys: Collection[RowKey]) -> dict[RowKey, RateRow]:
        """Return the charts of every key; new ones where nothing is stored."""
        ...

    async def load_hours(self, tx: Any, keys: Collection[RowKey]) -> dict[RowKey, HourRow]:
        """Return the hours of every key; none where nothing is stored."""
        ...

    async def load_rebases(self, tx: Any, tenants: Collection[str]) -> list[Rebase]:
        """Return what people said of these tenants, in the order in which they did."""
        ...

    async def save_rates(self, tx: Any, rows: Mapping[RowKey, RateRow], hours: Mapping[RowKey, HourRow]) -> None:
        """Store the rows that changed; of those in `hours`, which are among them, the hours too."""
        ...


class LateCountsStore(Protocol):
    """What came when its five minutes had closed, and waits for the charts: `adapters.late_count_store`."""

    async def load_waiting(self, tx: Any, partition: int) -> dict[str, LateCounts]:
        """Return by tenant what waits in a tallies partition."""
        ...

    async def save_late(self, tx: Any, partition: int, late: Mapping[str, LateCounts]) -> None:
        """Store by tenant what waits, or that nothing does."""
        ...


class VersionsStore(Protocol):
    """What is known of each tenant's versions, and their markers: `adapters.version_store`."""

    async def load_versions(self, tx: Any, tenants: Collection[str]) -> dict[str, TenantVersions]:
        """Return the states of these tenants; a new one where nothing is stored."""
        ...

    async def save_versions(
        self, tx: Any, partition: int, states: Mapping[str, TenantVersions], due_ms: Mapping[str, int | None]
    ) -> None:
        """Store the states, and by tenant when what is found ends by silence."""
        ...

    async def attend(self, tx: Any) -> None:
        """Say that the transaction goes on, when nothing is asked for long."""
        ...

    async def load_due(self, tx: Any, partition: int) -> dict[str, int]:
        """Return when what is found of a tallies partition's tenants ends by silence, if nothing comes."""
        ...

    async def load_declared(self, tx: Any, tenants: Collection[str]) -> list[Declared]:
        """Return what people declared of these tenants, in the order in which they did."""
        ...

    async def save_markers(self, tx: Any, tenant: str, changed: Sequence[Marker], taken_back: Sequence[Marker]) -> None:
        """Store the markers of a tenant that are new or changed, and delete those that late data took back."""
        ...


class SegmentValuesStore(Protocol):
    """Which segment values of each tenant are counted each by itself: `adapters.segment_value_store`."""

    async def load_values(self, tx: Any, tenants: Collection[str]) -> dict[str, Admitted]:
        """Return the values of these tenants; none where nothing is stored."""
        ...

    async def save_values(self, tx: Any, partition: int, values: Mapping[str, Admitted]) -> None:
        """Store the values of the tenants that changed."""
        ...


class TimingsStore(Protocol):
    """What is usual of the durations of each tenant: `adapters.timing_store`."""

    async def load_timings(self, tx: Any, tenants: Collection[str]) -> dict[str, Timings]:
        """Return what is known of these tenants; nothing where nothing is stored."""
        ...

    async def save_timings(self, tx: Any, partition: int, timings: Mapping[str, Timings]) -> None:
        """Store what is known of them."""
        ...
