"""What is remembered of every series: its baseline and its latest anomaly."""

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import Baselines, BaselineState, SlotKey
from services.aggregator.core.series import SeriesKey


class AnomaliesStore(Protocol):
    """Baselines, and the latest anomaly of every series: `adapters.anomaly_store.AnomalyStore`."""

    async def load_baselines(self, tx: Any, keys: Collection[SlotKey]) -> Baselines:
        """Return an entry for every key; an empty one where nothing is stored."""
        ...

    async def load_anomalies(self, tx: Any, tenants: Collection[str]) -> Anomalies:
        """Return the latest anomaly, firing or resolved, of every series of these tenants that has one."""
        ...

    async def load_firing(self, tx: Any) -> Anomalies:
        """Return what fires, of all tenants."""
        ...

    async def save(
        self,
        tx: Any,
        baselines: Mapping[SlotKey, Mapping[str, BaselineState]],
        anomalies: Mapping[SeriesKey, AnomalyState],
    ) -> None:
        """Store whole rows: every metric of a baselines row, not only the changed ones."""
        ...
