"""The incident stage's store in memory; `tests/integration/aggregator/test_incidents.py` asks the same of both."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any

from proofwatch.bus.records import TopicPartition
from proofwatch.detection.findings import Panel
from proofwatch.detection.incidents import Incidents
from proofwatch.events.types import Anomaly
from services.aggregator.core.incident_groups import Arrival
from services.aggregator.core.incident_windows import Place, Row
from services.aggregator.core.times import DAY_S
from services.aggregator.ports.incidents import Taken


class MemoryStore:
    """Everything in dictionaries; `snapshot` and `restore` are a transaction's begin and its rolling back."""

    def __init__(self) -> None:
        self.reached: dict[TopicPartition, int | None] = {}
        self.taken: dict[int, Taken] = {}
        self.waits: dict[int, dict[tuple[str, int], Arrival]] = {}
        self.tenants: dict[str, Incidents] = {}
        self.windows: dict[tuple[str, Place], tuple[int, Row]] = {}

    def snapshot(self) -> Any:
        """Return all that is stored."""
        return deepcopy(self.__dict__)

    def restore(self, snapshot: Any) -> None:
        """Be as it was."""
        self.__dict__.update(deepcopy(snapshot))

    async def progress(self, tx: Any) -> Mapping[TopicPartition, int | None]:
        return self.reached

    async def waiting(self, tx: Any, partition: int) -> bool:
        return bool(self.waits.get(partition))

    async def hold(self, tx: Any, partition: int) -> Taken:
        return self.taken.get(partition, Taken(0, 0, 0))

    async def move(self, tx: Any, partition: int, taken: Taken) -> None:
        self.taken[partition] = taken

    async def arrivals(self, tx: Any, partition: int) -> list[Arrival]:
        return list(self.waits.get(partition, {}).values())

    async def arrive(self, tx: Any, partition: int, new: Sequence[Arrival]) -> None:
        for each in new:
            known = self.waits.setdefault(partition, {})
            known.setdefault((each.anomaly.anomaly_id, each.anomaly.revision), each)

    async def take(self, tx: Any, partition: int, taken: Iterable[Anomaly]) -> None:
        for each in taken:
            self.waits.get(partition, {}).pop((each.anomaly_id, each.revision), None)

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[str, Incidents]:
        return {tenant: self.tenants.get(tenant, Incidents()) for tenant in tenants}

    async def save(self, tx: Any, tenant: str, before: Incidents, after: Incidents) -> None:
        self.tenants[tenant] = after

    async def load_windows(self, tx: Any, places: Collection[tuple[str, Place]]) -> dict[tuple[str, Place], Row]:
        return {at: self.windows[at][1] for at in places if at in self.windows}

    async def windows_within(self, tx: Any, tenant: str, panel: Panel) -> dict[Place, Row]:
        end_ms = panel.start_ms + panel.length_s * 1000
        return {
            place: row
            for (of, place), (_, row) in self.windows.items()
            if of == tenant and panel.start_ms <= place.start_ms and place.end_ms <= end_ms
        }

    async def save_windows(self, tx: Any, partition: int, rows: Mapping[tuple[str, Place], Row]) -> None:
        self.windows |= {at: (partition, row) for at, row in rows.items()}

    async def forget(self, tx: Any, partition: int, before_ms: int, days_before_ms: int, limit: int) -> int:
        def old(place: Place) -> bool:
            return place.start_ms < (before_ms if place.length_s < DAY_S - 7_200 else days_before_ms)

        gone = [at for at, (of, _) in self.windows.items() if of == partition and old(at[1])][:limit]
        for at in gone:
            del self.windows[at]
        return len(gone)
