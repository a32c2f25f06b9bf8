"""What was asked for beyond one's own cases, in PostgreSQL (schema `imagery`)."""

from datetime import datetime
from typing import Any, Final

from proofwatch.governance.purposes import Purpose
from services.imagery.core.glass import Glass

_ADD: Final = """
insert into imagery.glass(glass_id, person_id, tenant, case_id, transaction_id, purpose, reason, asked_at, expires_at,
  uses_left, second_person, agreed_at, ended_at) values($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
_BY_ID: Final = """
select g.*, g.second_person is null or exists(
  select from access.directory d where d.person_id = g.second_person and 'checker' = any(d.roles)
    and (d.tenants is null or g.tenant = any(d.tenants))) as second_stands
from imagery.glass g where glass_id = $1"""
_LOCK: Final = "select from imagery.glass where glass_id = $1 for update"
_NEWEST: Final = """
select glass_id from imagery.glass where person_id = $1 and tenant = $2 and case_id = $3 and transaction_id = $4
order by agreed_at is not null and ended_at is null desc, asked_at desc, glass_id limit 1 for update"""
_CHANGE: Final = """
update imagery.glass set expires_at = $2, uses_left = $3, second_person = $4, agreed_at = $5, ended_at = $6,
  told_at = $7, end_told_at = $8
where glass_id = $1"""
_OVER: Final = """
select * from imagery.glass where ended_at is null and expires_at <= $1
order by expires_at limit 100 for update skip locked"""

_UNTOLD: Final = """
select * from imagery.glass where agreed_at is not null
  and (told_at is null or (ended_at is not null and end_told_at is null))
order by agreed_at limit 100 for update skip locked"""


_ASKED: Final = 13
"""How many of the fields are there when it is asked for."""


class PostgresGlasses:
    """See `ports.Glasses`."""

    async def add_glass(self, tx: Any, glass: Glass) -> None:
        """Keep what was asked for."""
        await tx.execute(_ADD, *glass._replace(purpose=glass.purpose.value)[:_ASKED])  # type: ignore[arg-type]

    async def glass(self, tx: Any, glass_id: str, *, locked: bool = False) -> Glass | None:
        """Return it by its id."""
        if locked:
            await tx.execute(_LOCK, glass_id)
        row = await tx.fetchrow(_BY_ID, glass_id)
        return _glass(row, second_stands=row["second_stands"]) if row else None

    async def newest_glass(
        self, tx: Any, person_id: str, tenant: str, case_id: str, transaction_id: str
    ) -> Glass | None:
        """Return what was agreed to and has not ended; else what the person asked for last. It is locked."""
        glass_id = await tx.fetchval(_NEWEST, person_id, tenant, case_id, transaction_id)
        return None if glass_id is None else await self.glass(tx, glass_id)

    async def change_glass(self, tx: Any, glass: Glass) -> None:
        """Keep what became of it."""
        await tx.execute(
            _CHANGE,
            glass.glass_id,
            glass.expires_at,
            glass.uses_left,
            glass.second_person,
            glass.agreed_at,
            glass.ended_at,
            glass.told_at,
            glass.end_told_at,
        )

    async def glasses_over(self, tx: Any, now: datetime) -> list[Glass]:
        """Return what is over and has not been ended, locked; at most 100."""
        return [_glass(row) for row in await tx.fetch(_OVER, now)]

    async def glasses_untold(self, tx: Any) -> list[Glass]:
        """Return what was agreed to, or has ended, and was not told yet, locked; at most 100."""
        return [_glass(row) for row in await tx.fetch(_UNTOLD)]


def _glass(row: Any, *, second_stands: bool = True) -> Glass:
    """Return the row; what a later release has added to it is not looked at."""
    given = {name: row[name] for name in Glass._fields if name != "second_stands"}
    return Glass(**{**given, "purpose": Purpose(row["purpose"]), "second_stands": second_stands})
