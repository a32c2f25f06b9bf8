"""Accepted attacks of a tenant from `ledger.transactions`, in one snapshot and read only.

Rows of who was erased are nobody's (`ledger.unlink`): upstream knows no account by their ids, and they are left out.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from services.aggregator.adapters.postgres_joins import tenants
from services.aggregator.core.accepted import Accepted, accepted_attack, in_order, is_wanted
from services.aggregator.core.entries import Assertion
from services.aggregator.core.found import NothingFound, Query, everybody_sees

_ACCEPTED: Final = """
select transaction_id, decision, occurred_us, coalesce(segments, '{}') as segments,
  pair_class, pair_asserted_us, coalesce(pair_minus_logged_ms, 0) as pair_minus_logged_ms,
  presentation_class, presentation_asserted_us,
  coalesce(presentation_minus_logged_ms, 0) as presentation_minus_logged_ms
from ledger.transactions
where tenant = $1 collate "C" and logged_ms is not null and decision = 'accept'
  and ($2::bigint is null or occurred_us >= $2 * 1000) and ($3::bigint is null or occurred_us < $3 * 1000)
  and (pair_class = 'impostor' or presentation_class like 'attack:%' or presentation_class like 'injection:%')
  and not (transaction_id like 'erased-%' and coalesce(presentation_label_id, pair_label_id) = 'erased')
"""
_KNOWN: Final = 'select exists (select from ledger.transactions where tenant = $1 collate "C")'


async def load_accepted(
    pool: Any, query: Query, species: str | None, sees: Callable[[str], bool] = everybody_sees
) -> list[Accepted]:
    """Return them in the order in which they occurred. Raises `NothingFound`, and `BusError` by way of the pool.

    `sees`: whether who asks may know that there is such a tenant; of the others no refusal speaks.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        if not await connection.fetchval(_KNOWN, query.tenant):
            there = ", ".join(each for each in await tenants(connection) if sees(each)) or "none"
            raise NothingFound(f"the ledger has no transactions of a tenant {query.tenant!r}; there are: {there}")
        rows = await connection.fetch(_ACCEPTED, query.tenant, *query.span)
    return in_order(each for each in _read(rows) if is_wanted(each, query, species))


def _read(rows: list[Any]) -> Iterator[Accepted]:
    for row in rows:
        aspects = (_assertion(row, "pair"), _assertion(row, "presentation"))
        found = accepted_attack(row["transaction_id"], row["decision"], row["occurred_us"], row["segments"], *aspects)
        if found is not None:
            yield found


def _assertion(row: Any, aspect: str) -> Assertion | None:
    said = row[f"{aspect}_class"]
    if said is None:
        return None
    return Assertion(0, row[f"{aspect}_asserted_us"], "", said, 1.0, row[f"{aspect}_minus_logged_ms"])
