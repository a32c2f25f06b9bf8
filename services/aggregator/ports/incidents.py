"""What the incident stage needs of a database: findings, incidents, and counts of windows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from proofwatch.bus.records import TopicPartition
from proofwatch.detection.findings import Panel
from proofwatch.detection.incidents import Incidents
from proofwatch.events.types import Anomaly
from services.aggregator.core.incident_groups import Arrival
from services.aggregator.core.incident_windows import Place, Row


class Taken(NamedTuple):
    """Where the incident stage stands with a partition of its two topics.

    `step` counts its steps; everything of before `done_ms` is taken; what is kept no longer goes at `tidy_ms`.
    """

    step: int
    done_ms: int
    tidy_ms: int


class IncidentsStore(Protocol):
    """Findings, incidents, and counts of windows: `adapters.incident_store`."""

    async def progress(self, tx: Any) -> Mapping[TopicPartition, int | None]:
        """Return how far every lane of the stage has come in time."""
        ...

    async def waiting(self, tx: Any, partition: int) -> bool:
        """Return whether an anomaly of the partition waits."""
        ...

    async def hold(self, tx: Any, partition: int) -> Taken:
        """Lock the partition for this transaction, and return where it stands."""
        ...

    async def move(self, tx: Any, partition: int, taken: Taken) -> None:
        """Store where the partition stands."""
        ...

    async def arrivals(self, tx: Any, partition: int) -> list[Arrival]:
        """Return the anomalies that wait, in no order."""
        ...

    async def arrive(self, tx: Any, partition: int, new: Sequence[Arrival]) -> None:
        """Keep anomalies until the rest of their closing has come; those that wait already are left as they are."""
        ...

    async def take(self, tx: Any, partition: int, taken: Iterable[Anomaly]) -> None:
        """Let go of anomalies that wait no longer."""
        ...

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[str, Incidents]:
        """Return findings and incidents of these tenants, without counts."""
        ...

    async def save(self, tx: Any, tenant: str, before: Incidents, after: Incidents) -> None:
        """Store what changed of a tenant."""
        ...

    async def load_windows(self, tx: Any, places: Collection[tuple[str, Place]]) -> dict[tuple[str, Place], Row]:
        """Return what is known of these places, by tenant; what is not there is left out."""
        ...

    async def windows_within(self, tx: Any, tenant: str, panel: Panel) -> dict[Place, Row]:
        """Return the windows of a tenant that lie whole in a panel's span."""
        ...

    async def save_windows(self, tx: Any, partition: int, rows: Mapping[tuple[str, Place], Row]) -> None:
        """Store the windows of places whole."""
        ...

    async def forget(self, tx: Any, partition: int, before_ms: int, days_before_ms: int, limit: int) -> int:
        """Delete windows that began before `before_ms`, days before `days_before_ms`, at most `limit`.

        Return how many there were.
        """
        ...
