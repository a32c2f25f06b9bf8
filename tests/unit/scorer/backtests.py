"""Logs, policies and sources for the backtest's tests."""

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from proofwatch.events.types import Transaction
from proofwatch.governance.policy import Policy, load_policy
from services.scorer.backtest.arrivals import Accounts, Arrival, Counted, Kind, Truth
from services.scorer.backtest.play import Played, play

START = datetime(2026, 1, 15, 8, tzinfo=UTC)
OLD = load_policy()
NEW = OLD.with_thresholds(0.9, 0.99)


def transaction(number: int, subject: str | None = None, at_s: float = 0.0, **fields: Any) -> Transaction:
    """A transaction that passes, of a subject of its own, unless said otherwise; `at_s`: seconds after START."""
    given: dict[str, Any] = {"tenant": "acme", "match_score": 0.95, "liveness_score": 0.999} | fields
    return Transaction(
        schema_version=1,
        transaction_id=f"tx-{number}",
        subject_ref=subject or f"s-{number}",
        occurred_at=START + timedelta(seconds=at_s),
        **given,
    )


def arrivals(events: Iterable[tuple[Transaction, Truth | None]]) -> list[Arrival]:
    """Events as they come out of a source; log time is the event's own."""
    return [
        Arrival(
            offset,
            round(event.occurred_at.timestamp() * 1000),
            f"{event.tenant}/{event.subject_ref}",
            msgspec.json.encode(event),
            event,
            truth,
        )
        for offset, (event, truth) in enumerate(events)
    ]


class ListSource:
    """Arrivals of one partition, in batches of `size`."""

    kind: Kind = "file"
    attempts: Counted = "counted"

    def __init__(self, listed: Sequence[Arrival], size: int = 7) -> None:
        self.accounts = Accounts(read=len(listed))
        self.total: int | None = len(listed)
        self.done = 0
        self._listed, self._size = listed, size

    async def batches(self) -> AsyncIterator[tuple[int, Sequence[Arrival]]]:
        for at in range(0, len(self._listed), self._size):
            self.done = at
            yield 0, self._listed[at : at + self._size]


async def played(listed: Sequence[Arrival], old: Policy = OLD, new: Policy = NEW, **options: Any) -> Played:
    size = options.pop("size", 7)
    return await play(ListSource(listed, size), old, new, **options)


GENUINE = Truth("genuine", "bona_fide")


def small_log() -> list[Arrival]:
    """Eighteen transactions whose figures `test_backtest_result` works out by hand."""
    events: list[tuple[Transaction, Truth | None]] = [(transaction(n, at_s=n), GENUINE) for n in range(1, 11)]
    events += [
        (transaction(11, at_s=11, match_score=0.87), Truth("genuine", None)),
        (transaction(12, at_s=12, match_score=0.87), Truth("impostor", None)),
        (transaction(13, at_s=13, liveness_score=0.992), Truth(None, "bona_fide")),
        (transaction(14, at_s=14, liveness_score=0.993), Truth(None, "attack:mask")),
        *((transaction(n, "z", at_s=60 * n, match_score=0.87), None) for n in (15, 16, 17)),
        (transaction(17, "z", at_s=60 * 17, match_score=0.87), None),
    ]
    return arrivals(events)


def lines(path: Path, values: Iterable[bytes]) -> Path:
    """Write JSON lines."""
    path.write_bytes(b"".join(value + b"\n" for value in values))
    return path
