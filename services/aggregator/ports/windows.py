"""What windows needs of a database: buckets, journal and progress of the tallies partitions."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from services.aggregator.core import calendars
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.journal import Added
from services.aggregator.core.merge import Bucket, BucketKey
from services.aggregator.core.progress import SourceId, SourceState
from services.aggregator.core.segments import Segment
from services.aggregator.ports.anomalies import AnomaliesStore
from services.aggregator.ports.watches import (
    LateCountsStore,
    MinuteWatchStore,
    RateChartsStore,
    SegmentValuesStore,
    TimingsStore,
    VersionsStore,
)


class Progress(NamedTuple):
    """What is merged of one tallies partition, and after how many steps."""

    step: int
    sources: dict[SourceId, SourceState]


class Opened(NamedTuple):
    """The open buckets of a partition, those of them that are not written whole, and the length of the journal."""

    buckets: dict[BucketKey, Bucket]
    changed: set[BucketKey]
    journal_steps: int
    journal_bytes: int


class WindowsStore(Protocol):
    """Buckets, journal and progress of the tallies partitions: `adapters.postgres_windows`."""

    async def load_progress(self, tx: Any, partition: int) -> Progress:
        """Return the progress of a tallies partition; nothing at step 0 when it is new."""
        ...

    async def calendars_since(self, tx: Any) -> int:
        """Return since when days are told by tenants' own calendars, in ms since 1970; before that they are UTC's."""
        ...

    async def load_firing(self, tx: Any, partition: int) -> Anomalies:
        """Return the anomalies that fire, of the tenants of a tallies partition."""
        ...

    async def load_open(self, tx: Any, partition: int, days_of: calendars.DaysOf) -> Opened:
        """Return what a tallies partition has open: the written buckets, and what the journal adds to them."""
        ...

    async def load(self, tx: Any, keys: Collection[BucketKey]) -> dict[BucketKey, Bucket]:
        """Return those buckets of `keys` that are written; ask for closed ones only, others may lie in the journal."""
        ...

    async def load_met(self, tx: Any, keys: Collection[BucketKey]) -> dict[BucketKey, list[Segment]]:
        """Return whose windows those buckets of `keys` have that are written; ask for closed ones only."""
        ...

    def encoded(self, entry: Added) -> bytes:
        """Return additions as the journal keeps them; at once, for merging changes them."""
        ...

    def joined(self, entries: Sequence[bytes]) -> bytes:
        """Return what the journal keeps of a step's encoded additions; nothing where there are none."""
        ...

    async def save(
        self,
        tx: Any,
        partition: int,
        progress: Progress,
        buckets: Collection[Bucket],
        journal: bytes | None,
        days_of: calendars.DaysOf,
    ) -> None:
        """Store the progress, whole buckets and the step's entry; None: only whole buckets, clear the journal."""
        ...

    async def attend(self, tx: Any) -> None:
        """Say that the transaction is worked on: one in which nothing is asked for long is ended (`postgres.pool`)."""
        ...

    async def remove(self, tx: Any, partition: int, first: Mapping[int, int], limit: int) -> int:
        """Delete closed buckets that began before `first` (ms, by length), at most `limit`; return their number.

        Only while the journal is empty.
        """
        ...


class WindowsStores(NamedTuple):
    """What windows needs."""

    windows: WindowsStore
    anomalies: AnomaliesStore
    minutes: MinuteWatchStore
    rates: RateChartsStore
    versions: VersionsStore
    timings: TimingsStore
    values: SegmentValuesStore
    late: LateCountsStore
