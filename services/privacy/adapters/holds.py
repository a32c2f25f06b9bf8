"""Legal holds in PostgreSQL: one person places one, which holds at once; another lifts it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.holders import Tell, logged, unhindered
from services.privacy.adapters.acting import USER, acting, alone, deciding
from services.privacy.core import acts
from services.privacy.core.erasure import Hold

if TYPE_CHECKING:
    import asyncpg

_COLUMNS: Final = "hold_id, tenant, mark, reason, placed_by, placed_at, until"
HOLDS: Final = f"""
select {_COLUMNS}, coalesce((select d.name from access.directory d where d.person_id = placed_by), placed_by) as placer
from privacy.holds """  # noqa: S608 - columns of ours
"""Who placed one is named by the account, as everybody is in words."""
_IN_FORCE: Final = f"""{HOLDS}
where tenant = $1 and mark = $2 and lifted_at is null and (until is null or until > $3) order by until desc nulls first
limit 1"""
_PLACE: Final = f"insert into privacy.holds({_COLUMNS}) values($1, $2, $3, $4, $5, $6, $7)"
_UNDER_WAY: Final = "select erasure_id from privacy.erasures where tenant = $1 and mark = $2 and state = 'running'"
_ALL: Final = f"""{HOLDS}
where lifted_at is null and (until is null or until > $1)
  and ($2::text[] is null or tenant = any($2)) order by placed_at, hold_id"""
_ONE: Final = f"{HOLDS} where hold_id = $1 and lifted_at is null for update"
_LIFT: Final = "update privacy.holds set lifted_by = $2, lifted_at = $3, lifted_reason = $4 where hold_id = $1"


class HoldRefused(Exception):
    """A hold cannot be placed or lifted as was asked; the message says why and what would be right."""


async def in_force(tx: Any, tenant: str, mark: str, now: datetime) -> Hold | None:
    """Return the hold on a person that lasts longest."""
    row = await tx.fetchrow(_IN_FORCE, tenant, mark, now)
    return Hold(**dict(row)) if row else None


class PostgresHolds:
    """Where holds are placed and lifted; each act is an entry."""

    def __init__(self, pool: "asyncpg.Pool", tell: Tell = logged) -> None:
        """`tell`: is told who keeps an act waiting."""
        self._pool, self._tell = pool, tell
        self._people = PostgresPeople(pool)

    async def place(
        self, token: str, tenant: str, mark: str, reason: str, until: datetime | None, now: datetime
    ) -> Hold:
        """Keep a person's data from now on. Raises `NoSession`, `NotAllowed`, `HoldRefused`."""
        if until is not None and until <= now:
            raise HoldRefused(f"--until {until:%Y-%m-%d %H:%M} UTC has passed already")
        async with (
            deciding(self._pool, acts.HELD, now, reason=reason) as tx,
            unhindered(self._pool, tx, USER, "the hold", self._tell),
        ):
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, tenant)
            await alone(tx, tenant, mark)
            if erasing := await tx.fetchval(_UNDER_WAY, tenant, mark):
                raise HoldRefused(f"erasure {erasing} is approved and under way; what is gone cannot be kept")
            hold_id = str(uuid.uuid4())
            await tx.execute(_PLACE, hold_id, tenant, mark, reason, who.person_id, now, until)
            hold = Hold(**dict(await tx.fetchrow(_ONE, hold_id)))
            details = {"until": until.isoformat()} if until else {}
            by, what = person(who.person_id), Object("hold", hold.hold_id)
            await enter(tx, act(acts.HELD, by, now, what, tenant=tenant, reason=reason, details=details))
        return hold

    async def lift(self, token: str, hold_id: str, reason: str, now: datetime) -> Hold:
        """End a hold that somebody else placed. Raises `NoSession`, `NotAllowed`, `HoldRefused`."""
        async with deciding(self._pool, acts.LIFTED, now, Object("hold", hold_id), reason=reason) as tx:
            row = await tx.fetchrow(_ONE, hold_id)
            who = await acting(self._people, tx, token, Act.APPROVE_HOLD, now, row["tenant"] if row else None)
            if row is None:
                raise HoldRefused(f"there is no hold {hold_id!r} in force; `proofwatch hold list` shows those that are")
            hold = Hold(**dict(row))
            if who.person_id == hold.placed_by:
                raise NotAllowed(
                    "who placed a hold does not lift it: somebody else of the role privacy does",
                    who.person_id,
                    "own_proposal",
                    hold.tenant,
                )
            await tx.execute(_LIFT, hold_id, who.person_id, now, reason)
            by, what = person(who.person_id), Object("hold", hold_id)
            await enter(tx, act(acts.LIFTED, by, now, what, tenant=hold.tenant, reason=reason))
        return hold

    async def listed(self, token: str, now: datetime) -> Sequence[Hold]:
        """Return the holds in force of the tenants that are there for who asks. Raises `NoSession`, `NotAllowed`."""
        async with deciding(self._pool, acts.LISTED, now, Object("list", "holds")) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, None)
            tenants = None if who.tenants is None else sorted(who.tenants)
            found = [Hold(**dict(row)) for row in await tx.fetch(_ALL, now, tenants)]
            await enter(tx, acts.listed("holds", who.person_id, who.session_id, len(found), now))
        return found
