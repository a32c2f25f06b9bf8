"""What the ledger needs of a database: joined transactions, labelled cells, and what is judged by them."""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.bus.records import TopicPartition
from proofwatch.governance.cohort import Cohort
from services.aggregator.core import calendars
from services.aggregator.core.entries import Entry, Key
from services.aggregator.core.labelled import Cell, Deltas, WindowKey
from services.aggregator.core.labelled_days import Closed
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.people import Month
from services.aggregator.core.segments import Segment
from services.aggregator.core.step_up_control import StepUpState
from services.aggregator.ports.anomalies import AnomaliesStore


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

    async def salts(self, tx: Any, months: Collection[Month]) -> Mapping[Month, bytes]:
        """Return the salt of each of these months; one that has none gets one."""
        ...

    async def forget_salts(self, tx: Any, before: int) -> None:
        """Throw away the salts of earlier months, by number."""
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

    async def attend(self, tx: Any) -> None:
        """Say that the transaction is worked on: one in which nothing is asked for long is ended (`postgres.pool`)."""
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


class ErasedStore(Protocol):
    """Who was erased, by marks: `adapters.postgres_erased`."""

    async def latest(self, tx: Any, tenants: Collection[str]) -> Mapping[str, datetime]:
        """Return of each tenant that erased somebody when it last did."""
        ...

    async def transactions(self, tx: Any, keys: Collection[Key]) -> frozenset[Key]:
        """Return those that were known to be of somebody who was erased."""
        ...

    async def late(self, tx: Any, subjects: Mapping[Key, tuple[str, datetime]]) -> frozenset[Key]:
        """Return those of somebody (subject_ref) who was erased after they had happened; they are known from now on."""
        ...

    async def unlink(self, tx: Any, keys: Collection[Key]) -> None:
        """Make rows nobody's; what they count stays."""
        ...

    async def count_labels(self, tx: Any, counts: Mapping[tuple[date, str, str, str], int]) -> None:
        """Count labels of people who were erased, by day, tenant, aspect and class."""
        ...


class LedgerStores(NamedTuple):
    """What the ledger needs."""

    joins: JoinsStore
    ledger: LedgerStore
    anomalies: AnomaliesStore
    controls: ControlsStore
    limits: LimitsStore
