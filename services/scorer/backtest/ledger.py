"""The ledger as a source: the transactions and labels that the aggregator's ledger keeps in PostgreSQL. Read only.

It holds scores, the decision that was made, segments and the winning labels, and on purpose no subject: see
`player.Recorded` for what follows. One row a transaction, repeats are settled; rows come by a cursor in one snapshot.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from proofwatch.events.types import Transaction
from proofwatch.instants import instant_of_us, us_of
from services.scorer.backtest.arrivals import ALWAYS, Accounts, Arrival, Counted, Kind, Period, Truth

if TYPE_CHECKING:
    import asyncpg

_BATCH: Final = 5_000
_NO_SCORE: Final = -1.0
_COLUMNS: Final = """
select tenant, transaction_id, occurred_us, logged_ms, match_score, liveness_score, match_outcome, liveness_outcome,
       decision, segments, pair_class, presentation_class
"""
_ROWS: Final = """
from ledger.transactions
where logged_ms is not null and ($1::text is null or tenant = $1 collate "C")
  and ($2::bigint is null or occurred_us >= $2) and ($3::bigint is null or occurred_us < $3)
"""


class LedgerSource:
    """Transactions that have a verdict, of one tenant or all."""

    kind: Kind = "ledger"
    attempts: Counted = "recorded"

    def __init__(self, pool: "asyncpg.Pool", *, tenant: str | None = None, period: Period = ALWAYS) -> None:
        """`period` bounds occurred_at, and is applied by the database."""
        self.accounts = Accounts()
        self.total: int | None = None
        self.done = 0
        self._pool = pool
        self._bounds = (tenant, _microseconds(period.since), _microseconds(period.until))

    async def batches(self) -> AsyncIterator[tuple[int, Sequence[Arrival]]]:
        """Yield the rows of one snapshot."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            self.total = await connection.fetchval(f"select count(*) {_ROWS}", *self._bounds)
            cursor = await connection.cursor(f"{_COLUMNS} {_ROWS}", *self._bounds)
            while rows := await cursor.fetch(_BATCH):
                yield 0, [_arrival(self.done + n, row) for n, row in enumerate(rows)]
                self.done += len(rows)
                self.accounts.read += len(rows)


def _arrival(offset: int, row: Any) -> Arrival:
    (
        tenant, transaction_id, occurred_us, logged_ms, match_score, liveness_score, match_outcome, liveness_outcome,
        decision, segments, pair, presentation,
    ) = row  # fmt: skip
    checks: Any = _checks(match_outcome, liveness_outcome)
    event = Transaction(
        schema_version=1,
        tenant=tenant,
        transaction_id=transaction_id,
        subject_ref="-",
        occurred_at=instant_of_us(occurred_us),
        checks=checks,
        match_score=None if match_score == _NO_SCORE else match_score,
        liveness_score=None if liveness_score == _NO_SCORE else liveness_score,
        segments=_segments(segments),
    )
    truth = Truth(pair, presentation) if pair or presentation else None
    return Arrival(offset, logged_ms, tenant, b"", event, truth, decision)


@lru_cache(maxsize=64)
def _checks(match_outcome: str, liveness_outcome: str) -> tuple[str, ...]:
    outcomes = (("match", match_outcome), ("liveness", liveness_outcome))
    return tuple(check for check, outcome in outcomes if outcome != "not_requested")


@lru_cache(maxsize=16_384)
def _segments(text: str) -> dict[str, str] | None:
    return msgspec.json.decode(text, type=dict[str, str]) or None


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else us_of(moment)
