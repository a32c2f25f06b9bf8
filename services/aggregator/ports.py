"""What the stages need of a database. Every method works within the transaction `tx` of the step that it is called in.

The adapters are modules and classes of the names behind each port; `app.py` hands them to the stages.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.bus.port import TopicPartition
from proofwatch.detection.findings import Panel
from proofwatch.detection.incidents import Incidents
from proofwatch.events.types import Anomaly
from proofwatch.governance.cohort import Cohort
from services.aggregator.core import calendars
from services.aggregator.core.anomaly_state import Anomalies, AnomalyState
from services.aggregator.core.baselines import Baselines, BaselineState, SlotKey
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.entries import Entry, Key
from services.aggregator.core.incident_groups import Arrival
from services.aggregator.core.incident_windows import Place, Row
from services.aggregator.core.journal import Added
from services.aggregator.core.labelled import Cell, Deltas, WindowKey
from services.aggregator.core.labelled_days import Closed
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.merge import Bucket, BucketKey
from services.aggregator.core.progress import SourceId, SourceState
from services.aggregator.core.real_time.tenant import TenantState
from services.aggregator.core.segments import Segment
from services.aggregator.core.series import SeriesKey
from services.aggregator.core.step_up_control import StepUpState
from services.aggregator.core.timing_jumps import Timings
from services.aggregator.core.versions.memory import Marker
from services.aggregator.core.versions.tenant import TenantVersions


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


class VersionsStore(Protocol):
    """What is known of each tenant's versions, and their markers: `adapters.version_store`."""

    async def load_versions(self, tx: Any, tenants: Collection[str]) -> dict[str, TenantVersions]:
        """Return the states of these tenants; a new one where nothing is stored."""
        ...

    async def save_versions(self, tx: Any, partition: int, states: Mapping[str, TenantVersions]) -> None:
        """Store the states."""
        ...

    async def save_markers(self, tx: Any, tenant: str, changed: Sequence[Marker], taken_back: Sequence[Marker]) -> None:
        """Store the markers of a tenant that are new or changed, and delete those that late data took back."""
        ...


class TimingsStore(Protocol):
    """What is usual of the durations of each tenant: `adapters.timing_store`."""

    async def load_timings(self, tx: Any, tenants: Collection[str]) -> dict[str, Timings]:
        """Return what is known of these tenants; nothing where nothing is stored."""
        ...

    async def save_timings(self, tx: Any, partition: int, timings: Mapping[str, Timings]) -> None:
        """Store what is known of them."""
        ...


class Joined(NamedTuple):
    """A transaction whose entry a batch changed."""

    key: Key
    old: Entry
    new: Entry


class JoinsStore(Protocol):
    """Verdicts and labels by transaction: `adapters.postgres_joins`."""

    async def prepare(self, tx: Any) -> None:
        """Set up the open transaction; before anything else."""
        ...

    async def join_verdicts(self, tx: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
        """Store the trials of a batch, ordered by key, and return every entry that they changed."""
        ...

    async def join_labels(self, tx: Any, entries: Mapping[Key, Entry]) -> list[Joined]:
        """Store the assertions of a batch, ordered by key, and return every entry that they changed."""
        ...

    async def tenants(self, tx: Any) -> list[str]:
        """Return the tenants of whom there are transactions, in order."""
        ...

    async def forget(self, tx: Any, before_ms: Mapping[str, int], limit: int) -> dict[str, int]:
        """Delete at most `limit` transactions logged before their tenant's moment; return how many, by tenant."""
        ...


class Due(NamedTuple):
    """A labelled window to be published, with what it was counted from.

    `live`: something that it has changed by since its last revision came in time to be acted upon.
    """

    key: WindowKey
    revision: int
    requested: tuple[int, int]
    live: bool
    cells: Sequence[tuple[Cell, int]]


class LedgerStore(Protocol):
    """Labelled cells, and which windows of them are due: `adapters.postgres_ledger`."""

    async def progress(self, tx: Any) -> Mapping[TopicPartition, int | None]:
        """Return how far every lane of the ledger has come in time."""
        ...

    async def calendars_since(self, tx: Any) -> int:
        """Return since when days are told by tenants' own calendars, in ms since 1970; before that they are UTC's."""
        ...

    async def apply(
        self, tx: Any, deltas: Deltas, live: Container[WindowKey], days_of: calendars.DaysOf
    ) -> set[WindowKey]:
        """Merge net changes; the rows of the windows stay locked. Return the labelled ones among them."""
        ...

    async def sole_publisher(self, tx: Any) -> bool:
        """Return whether this transaction alone publishes until it ends; never waits."""
        ...

    async def take_due(self, tx: Any, closed: Closed, limit: int) -> list[Due]:
        """Take at most `limit` changed windows of closed days, in order, each with its next revision."""
        ...

    async def edge_sets(self, tx: Any, cells: Iterable[Cell]) -> dict[str, EdgeSet]:
        """Return the edge sets that the cells are counted on."""
        ...


class ControlsStore(Protocol):
    """What was said last about each cohort's step-up control: `adapters.control_store`."""

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[Cohort, StepUpState]:
        """Return the state of every cohort of these tenants that has one."""
        ...

    async def save(self, tx: Any, states: Mapping[Cohort, StepUpState]) -> None:
        """Store the states that changed."""
        ...


class LimitsStore(Protocol):
    """What counts towards the promised limits, and what is judged of them: `adapters.limit_store`."""

    async def add(self, tx: Any, counts: Mapping[Counted, tuple[int, int]]) -> None:
        """Add what a batch counted."""
        ...

    async def due(self, tx: Any, closed: Closed, limit: int) -> list[str]:
        """Return at most `limit` tenants of whom something is to be judged by the evaluation of closed days."""
        ...

    async def take(
        self, tx: Any, tenants: Collection[str], closed: Closed
    ) -> dict[str, dict[Counted, tuple[int, int]]]:
        """Take what became known of these tenants by the evaluation of closed days."""
        ...

    async def load(self, tx: Any, tenants: Collection[str]) -> dict[str, dict[Segment, CohortState]]:
        """Return what is judged of these tenants' cohorts."""
        ...

    async def breached(self, tx: Any, tenants: Collection[str]) -> set[Cohort]:
        """Return the cohorts of these tenants whose APCER is found to be above its limit."""
        ...

    async def save(self, tx: Any, cohorts: Mapping[Cohort, CohortState]) -> None:
        """Store the cohorts that changed."""
        ...


class WindowsStores(NamedTuple):
    """What windows needs."""

    windows: WindowsStore
    anomalies: AnomaliesStore
    minutes: MinuteWatchStore
    rates: RateChartsStore
    versions: VersionsStore
    timings: TimingsStore


class LedgerStores(NamedTuple):
    """What the ledger needs."""

    joins: JoinsStore
    ledger: LedgerStore
    anomalies: AnomaliesStore
    controls: ControlsStore
    limits: LimitsStore


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
