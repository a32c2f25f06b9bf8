"""What was counted in the end, by tenant, beside what was sent: rows of the ledger, and the published windows."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from proofwatch.events.topics import WINDOWS
from tests.benchmarks.contenders import Failed

_MINUTE_S: Final = 60
_QUIET_S: Final = 0.5


class Windows(NamedTuple):
    """The windows of one minute of a tenant: transactions in their last revisions, and how late the latest came.

    `late_s`: seconds from the end of a window and its grace to its first publication.
    """

    transactions: int
    late_s: float


class _Window(msgspec.Struct):
    tenant: str
    segment_name: str | None
    start: datetime
    length_s: int
    revision: int
    counts: dict[str, int]


class PublishedWindows:
    """The windows of one minute of whole tenants as an independent client sees them: committed, last revisions."""

    def __init__(self, bootstrap: str, grace_s: float) -> None:
        self._grace_s = grace_s
        self._newest: dict[tuple[str, datetime], _Window] = {}
        self._late_s: dict[str, float] = {}
        self._decode = msgspec.json.Decoder(_Window).decode
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "benchmark-counts",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": 0,
            }
        )
        partitions = self._consumer.list_topics(WINDOWS, timeout=10).topics[WINDOWS].partitions
        self._consumer.assign([TopicPartition(WINDOWS, partition, 0) for partition in partitions])

    def by_tenant(self) -> dict[str, Windows]:
        """Read what came since the last call, until nothing comes for a moment; return what is known by then."""
        while messages := self._consumer.consume(1_000, timeout=_QUIET_S):
            for message in messages:
                self._note(message)
        totals: dict[str, int] = {}
        for window in self._newest.values():
            totals[window.tenant] = totals.get(window.tenant, 0) + window.counts.get("transactions", 0)
        return {each: Windows(total, round(self._late_s.get(each, 0.0), 2)) for each, total in totals.items()}

    def close(self) -> None:
        """Leave."""
        self._consumer.close()

    def _note(self, message: Message) -> None:
        if message.error():
            raise Failed(f"{WINDOWS}: {message.error()}")
        window = self._decode(message.value() or b"")
        if window.length_s != _MINUTE_S or window.segment_name is not None:
            return
        known = self._newest.get((window.tenant, window.start))
        if known is None or known.revision < window.revision:
            self._newest[window.tenant, window.start] = window
        if window.revision == 1:
            late_s = message.timestamp()[1] / 1000 - window.start.timestamp() - _MINUTE_S - self._grace_s
            self._late_s[window.tenant] = max(self._late_s.get(window.tenant, 0.0), late_s)


def ledger_rows(dsn: str, tenants: Collection[str]) -> dict[str, int]:
    """Return the transactions with a verdict that the ledger holds, by tenant."""
    return asyncio.run(_ledger_rows(dsn, list(tenants)))


async def _ledger_rows(dsn: str, tenants: list[str]) -> dict[str, int]:
    connection: Any = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            "select tenant, count(occurred_us) as n from ledger.transactions where tenant = any($1) group by tenant",
            tenants,
        )
    finally:
        await connection.close()
    return {row["tenant"]: row["n"] for row in rows}
