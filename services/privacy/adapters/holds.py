"""Holds in PostgreSQL: one person places one, which holds at once; another lifts it. Some restrict, too."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.errors import NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.holders import Tell, logged, unhindered
from proofwatch.bus.postgres.tags import PostgresTags
from services.privacy.adapters.acting import USER, ActRefused, acting, alone, deciding
from services.privacy.core import acts
from services.privacy.core.erasure import Ground, Hold, PermittedUse

if TYPE_CHECKING:
    import asyncpg

_COLUMNS: Final = "hold_id, tenant, mark, reason, placed_by, placed_at, until, ground"
HOLDS: Final = f"""
select {_COLUMNS}, coalesce((select d.name from access.directory d where d.person_id = placed_by), placed_by) as placer
from privacy.holds """  # noqa: S608 - columns of ours
"""Who placed one is named by the account, as everybody is in words."""
_IN_FORCE: Final = f"""{HOLDS}
where tenant = $1 and mark = $2 and lifted_at is null and (until is null or until > $3) order by until desc nulls first
limit 1"""
_PLACE: Final = f"insert into privacy.holds({_COLUMNS}, tag) values($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_RESTRICTION: Final = """
select hold_id from privacy.holds where tenant = $1 and mark = $2 and ground is not null and lifted_at is null"""
_UNDER_WAY: Final = "select erasure_id from privacy.erasures where tenant = $1 and mark = $2 and state = 'running'"
_ALL: Final = f"""{HOLDS}
where lifted_at is null and (until is null or until > $1)
  and ($2::text[] is null or tenant = any($2)) order by placed_at, hold_id"""
_PERMITTED: Final = """
select hold_id, case_id, use, until from privacy.permitted_uses
where hold_id = any($1) and until > $2 order by until, case_id"""
_ONE: Final = f"{HOLDS} where hold_id = $1 and lifted_at is null for update"
_LIFT: Final = """
update privacy.holds set lifted_by = $2, lifted_at = $3, lifted_reason = $4, informed_on = $5, tag = null
where hold_id = $1"""


class HoldRefused(ActRefused):
    """A hold cannot be placed or lifted as was asked; the message says why and what would be right."""


async def in_force(tx: Any, tenant: str, mark: str, now: datetime) -> Hold | None:
    """Return the hold on a person that lasts longest."""
    row = await tx.fetchrow(_IN_FORCE, tenant, mark, now)
    return Hold(**dict(row)) if row else None


class PostgresHolds:
    """Where holds are placed and lifted; each act is an entry."""

    def __init__(self, pool: "asyncpg.Pool", tell: Tell = logged, tags: PostgresTags | None = None) -> None:
        """`tell`: is told who keeps an act waiting; `tags`: by which tables know who is restricted."""
        self._pool, self._tell, self._tags = pool, tell, tags or PostgresTags(None)
        self._people = PostgresPeople(pool)

    async def place(
        self,
        token: str,
        tenant: str,
        mark: str,
        reason: str,
        until: datetime | None,
        now: datetime,
        ground: Ground | None = None,
    ) -> Hold:
        """Keep a person's data from now on; with a ground, also use it for nothing. That one is not `until` a time.

        Raises `NoSession`, `NotAllowed`, `HoldRefused`, `Blocked`.
        """
        async with (
            deciding(self._pool, acts.HELD, now, reason=reason) as tx,
            unhindered(self._pool, tx, USER, "the hold", self._tell),
        ):
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, tenant)
            asked = who.person_id, tenant
            if until is not None and until <= now:
                raise HoldRefused(f"--until {until:%Y-%m-%d %H:%M} UTC has passed already", "until_has_passed", *asked)
            await alone(tx, tenant, mark)
            if erasing := await tx.fetchval(_UNDER_WAY, tenant, mark):
                message = f"erasure {erasing} is approved and under way; what is gone cannot be kept"
                raise HoldRefused(message, "erasure_under_way", *asked)
            tag = await self._restrictable(tx, tenant, mark, who.person_id) if ground else None
            hold_id = str(uuid.uuid4())
            await tx.execute(_PLACE, hold_id, tenant, mark, reason, who.person_id, now, until, ground, tag)
            hold = Hold(**dict(await tx.fetchrow(_ONE, hold_id)))
            details = {"until": until.isoformat()} if until else {}
            details |= {"ground": ground} if ground else {}
            by, what = person(who.person_id), Object("hold", hold.hold_id)
            await enter(tx, act(acts.HELD, by, now, what, tenant=tenant, reason=reason, details=details))
        return hold

    async def lift(self, token: str, hold_id: str, reason: str, now: datetime, informed_on: date | None = None) -> Hold:
        """End a hold that somebody else placed. Raises `NoSession`, `NotAllowed`, `HoldRefused`.

        `informed_on`: when the person was told that their processing is to be restricted no longer (GDPR Art. 18(3)).
        """
        async with deciding(self._pool, acts.LIFTED, now, Object("hold", hold_id), reason=reason) as tx:
            row = await tx.fetchrow(_ONE, hold_id)
            who = await acting(self._people, tx, token, Act.APPROVE_HOLD, now, row["tenant"] if row else None)
            if row is None:
                message = f"there is no hold {hold_id!r} in force; `proofwatch hold list` shows those that are"
                raise HoldRefused(message, "no_such_hold", who.person_id)
            hold = Hold(**dict(row))
            if who.person_id == hold.placed_by:
                raise NotAllowed(
                    "who placed a hold does not lift it: somebody else of the role privacy does",
                    who.person_id,
                    "own_proposal",
                    hold.tenant,
                )
            _require_informed(hold, informed_on, now, who.person_id)
            await tx.execute(_LIFT, hold_id, who.person_id, now, reason, informed_on)
            by, what = person(who.person_id), Object("hold", hold_id)
            details = {"ground": hold.ground, "informed_on": str(informed_on)} if hold.ground else {}
            await enter(tx, act(acts.LIFTED, by, now, what, tenant=hold.tenant, reason=reason, details=details))
        return hold

    async def listed(self, token: str, now: datetime) -> Sequence[Hold]:
        """Return the holds in force of the tenants that are there for who asks, with what each permits.

        Raises `NoSession`, `NotAllowed`.
        """
        async with deciding(self._pool, acts.LISTED, now, Object("list", "holds")) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, None)
            tenants = None if who.tenants is None else sorted(who.tenants)
            holds = [Hold(**dict(row)) for row in await tx.fetch(_ALL, now, tenants)]
            uses = await tx.fetch(_PERMITTED, [each.hold_id for each in holds], now)
            found = [_with_permitted(each, uses) for each in holds]
            await enter(tx, acts.listed("holds", who.person_id, who.session_id, len(found), now))
        return found

    async def _restrictable(self, tx: Any, tenant: str, mark: str, by: str) -> str:
        """Return the tag by which tables know, or will know, a person who is not restricted yet."""
        if found := await tx.fetchval(_RESTRICTION, tenant, mark):
            message = f"hold {found} restricts the processing of this person's data already"
            raise HoldRefused(message, "restricted_already", by, tenant)
        return (await self._tags.of(tx, {(tenant, mark)})).tags[tenant, mark]


def _with_permitted(hold: Hold, rows: Sequence[Any]) -> Hold:
    uses = [PermittedUse(*row[1:]) for row in map(tuple, rows) if row[0] == hold.hold_id]
    return hold._replace(permitted=tuple(uses))


def _require_informed(hold: Hold, informed_on: date | None, now: datetime, by: str) -> None:
    asked = by, hold.tenant
    if hold.ground is None and informed_on is not None:
        message = f"hold {hold.hold_id} restricts nothing: it is lifted without --informed"
        raise HoldRefused(message, "restricts_nothing", *asked)
    if hold.ground and informed_on is None:
        raise HoldRefused(
            f"hold {hold.hold_id} restricts processing, and the person is told before it is lifted (GDPR Art. 18(3)): "
            "give the day on which they were told as --informed",
            "not_informed",
            *asked,
        )
    if informed_on is not None and not hold.placed_at.date() <= informed_on <= now.date():
        raise HoldRefused(
            f"--informed {informed_on} is not a day between {hold.placed_at:%Y-%m-%d}, when hold {hold.hold_id} was "
            f"placed, and today, {now:%Y-%m-%d} (UTC)",
            "informed_out_of_range",
            *asked,
        )
