"""Which cases are those of incidents: ids alone, which leave no entry."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.bus.postgres.pool import session
from services.triage.core.assignments import RESEARCH

if TYPE_CHECKING:
    import asyncpg

_OF: Final = """
select distinct on (r.source_id) r.source_id, c.case_id from triage.case_reasons r join triage.cases c using (case_id)
where r.source_id = any($1) and c.kind = 'incident'
  and ($2::text[] is null or c.tenant = any($2)) and ($3::text is null or c.queue = $3)
order by r.source_id, c.opened_at desc"""


async def cases_of_incidents(pool: "asyncpg.Pool", asking: Session, incidents: Sequence[str]) -> dict[str, str]:
    """Return the newest case of each incident that is there for this session. Raises `DatabaseAway`."""
    if not (incidents and asking.may(Act.READ_CASES)):
        return {}
    tenants = None if asking.tenants is None else sorted(asking.tenants)
    queue = None if asking.may(Act.TAKE_CASE) or asking.may(Act.ASSIGN_CASE) else RESEARCH
    async with session(pool, "cases") as connection:
        rows = await connection.fetch(_OF, list(incidents), tenants, queue)
    return {row["source_id"]: row["case_id"] for row in rows}
