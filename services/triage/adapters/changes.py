"""Cases in the order in which what changed them was committed, so that who follows them misses nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.triage.adapters.desk_reads import LISTED
from services.triage.adapters.desk_rows import listed_in
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import ListedCase

_SELECT: Final = LISTED.format(restriction=restriction_of("c", "$5"), as_of="$5", more=", c.changed_in::text")
_CHANGED: Final = f"""{_SELECT}
where (c.changed_in, c.case_id collate "C") > ($1::text::xid8, $2) and c.changed_in < $6::text::xid8
  and ($3::text[] is null or c.tenant = any($3))
order by c.changed_in, c.case_id collate "C" limit $4"""
_OLDEST_THAT_RUNS: Final = "select pg_snapshot_xmin(pg_current_snapshot())::text"
_LAST: Final = "~"
"""Behind every case of a transaction."""


class Place(NamedTuple):
    """How far somebody has come: the transaction (as PostgreSQL numbers them), and the case in it."""

    transaction: int = 0
    case_id: str = ""


async def changed_cases(
    tx: Any, after: Place, tenants: Sequence[str] | None, most: int, now: datetime
) -> tuple[list[ListedCase], Place] | None:
    """Return cases, parts too, by the transaction that changed them last, as they are now; and how far that is.

    Of transactions that still run none comes before that, so whoever goes on from there misses nothing. None: nobody
    can have come so far, as in a database that was restored.
    """
    oldest = await tx.fetchval(_OLDEST_THAT_RUNS)
    if after.transaction >= int(oldest):
        return None
    rows = await tx.fetch(_CHANGED, str(after.transaction), after.case_id, tenants, most, now, oldest)
    if len(rows) < most:
        return [*map(listed_in, rows)], Place(int(oldest) - 1, _LAST)
    return [*map(listed_in, rows)], Place(int(rows[-1]["changed_in"]), rows[-1]["case_id"])
