"""The records of labelled days: how they are made within a transaction that may not fall silent."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from proofwatch.biometrics.edges import EdgeSet
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.wire import JSON
from proofwatch.governance.policy import load_policy
from services.aggregator.core.baselines import Baselines, SlotKey
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.labelled import Cell, WindowKey
from services.aggregator.handlers import labelled_days
from services.aggregator.handlers.labelled_days import LabelledDays
from services.aggregator.ports.ledger import Due, LedgerStores

MONDAY = 20_458  # 2026-01-05
POLICY = load_policy()


class Database:
    """Knows nothing, and notes what it is asked in which order."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def stores(self) -> LedgerStores:
        every: Any = self
        return LedgerStores(every, every, every, every, every)

    async def attend(self, tx: object) -> None:
        self.asked.append("attend")

    async def edge_sets(self, tx: object, cells: Iterable[Cell]) -> dict[str, EdgeSet]:
        return {}

    async def load_firing(self, tx: object) -> dict[Any, Any]:
        return {}

    async def load_anomalies(self, tx: object, tenants: Collection[str]) -> dict[Any, Any]:
        return {}

    async def load_baselines(self, tx: object, slots: Collection[SlotKey]) -> Baselines:
        self.asked.append("baselines")
        return {slot: {} for slot in slots}

    async def load(self, tx: object, tenants: Collection[str]) -> dict[Any, Any]:
        return {}

    async def breached(self, tx: object, tenants: Collection[str]) -> set[Any]:
        return set()

    async def save(self, tx: object, *rows: Mapping[Any, Any]) -> None: ...


async def publish(database: Database, days: int) -> list[Outgoing]:
    cells = [(Cell("a" * 32, "genuine", outcome, "", 0), n) for outcome, n in (("passed", 90), ("failed", 10))]
    due = [Due(WindowKey(MONDAY + n, "bank", "", ""), 1, (100, 0), True, cells) for n in range(days)]
    handler = LabelledDays(POLICY, JSON, database.stores())
    return await handler.publish(due, 0, lambda _: 0, None, utc_days, None)


async def test_a_transaction_with_many_days_never_falls_silent() -> None:
    """A database ends a transaction in which no statement comes for 5 s: days are made and judged a few at a time."""
    database, days = Database(), 3 * labelled_days._UNATTENDED
    records = await publish(database, days)
    assert [each.topic for each in records if each.topic == topics.WINDOWS] == [topics.WINDOWS] * days
    made, judged = " ".join(database.asked).split("baselines")
    assert made.count("attend") >= 3
    assert judged.count("attend") >= 3
