"""What is about restrictions alone (GDPR Art. 18): what one would close, and the cases that may go on all the same.

They are placed, lifted and listed as holds, which they are (`holds`).
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from proofwatch.access.errors import NotAllowed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Object, person
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.tags import PostgresTags
from services.privacy.adapters.acting import acting, deciding
from services.privacy.adapters.holds import HOLDS, HoldRefused
from services.privacy.core import acts
from services.privacy.core.erasure import Hold, Use

if TYPE_CHECKING:
    import asyncpg

LONGEST: Final = timedelta(days=30)
"""For which a use is permitted at most; then somebody decides anew."""
_IN_FORCE: Final = f"{HOLDS} where hold_id = $1 and ground is not null and lifted_at is null for update"
_PERMIT: Final = """
insert into privacy.permitted_uses(hold_id, case_id, use, reason, permitted_by, permitted_at, until)
values($1, $2, $3, $4, $5, $6, $7)"""
_FORBID: Final = """
delete from privacy.permitted_uses where hold_id = $1 and case_id = $2 and until > $3 returning use"""
_IS_ABOUT: Final = """
select triage.is_about($2, tenant, array_remove(array[mark, tag], null)) from privacy.holds where hold_id = $1"""
_OF_CASES: Final = "select count(*) from triage.transactions_of($1, $2)"
_OF_IMAGERY: Final = "select count(*) from imagery.transactions_of($1, $2)"


class Closes(NamedTuple):
    """What a restriction would close: transactions that cases of the person name, and those whose imagery is known."""

    transactions_of_cases: int
    references_to_imagery: int


class PostgresRestrictions:
    """Restrictions of processing; each act is an entry."""

    def __init__(self, pool: "asyncpg.Pool", tags: PostgresTags) -> None:
        """`tags`: by which tables know people."""
        self._pool, self._people, self._tags = pool, PostgresPeople(pool), tags

    async def preview(self, token: str, tenant: str, mark: str, reason: str, now: datetime) -> Closes:
        """Return what a restriction would close; the look is an entry. Raises `NoSession`, `NotAllowed`, `Blocked`."""
        async with deciding(self._pool, acts.HOLD_PREVIEWED, now, reason=reason) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, tenant)
            tags = [*(await self._tags.of(tx, {(tenant, mark)}, make=False)).tags.values()]
            found = Closes(await tx.fetchval(_OF_CASES, tenant, tags), await tx.fetchval(_OF_IMAGERY, tenant, tags))
            await enter(tx, act(acts.HOLD_PREVIEWED, person(who.person_id), now, tenant=tenant, reason=reason))
        return found

    async def permit(
        self, token: str, hold_id: str, case_id: str, use: Use, reason: str, until: datetime, now: datetime
    ) -> Hold:
        """Let a case of a restricted person be worked on until then (Art. 18(2)); another than who restricted does.

        Raises `NoSession`, `NotAllowed`, `HoldRefused`.
        """
        what = Object("hold", hold_id), Object("case", case_id)
        async with deciding(self._pool, acts.PERMITTED, now, *what, reason=reason) as tx:
            hold, by = await self._for(tx, token, Act.APPROVE_HOLD, hold_id, now)
            _require_soon(until, now, by, hold.tenant)
            if by == hold.placed_by:
                raise NotAllowed(
                    "who restricted the processing permits no use of it: somebody else of the role privacy does",
                    by,
                    "own_proposal",
                    hold.tenant,
                )
            if not await tx.fetchval(_IS_ABOUT, hold_id, case_id):
                raise HoldRefused(
                    f"there is no case {case_id!r} about the person of hold {hold_id}; give its whole id, as "
                    "`proofwatch cases show` has it",
                    "no_such_case",
                    by,
                    hold.tenant,
                )
            await tx.execute(_PERMIT, hold_id, case_id, use, reason, by, now, until)
            details = {"use": use, "until": until.isoformat()}
            await enter(
                tx, act(acts.PERMITTED, person(by), now, *what, tenant=hold.tenant, reason=reason, details=details)
            )
        return hold

    async def forbid(self, token: str, hold_id: str, case_id: str, reason: str, now: datetime) -> Hold:
        """Take back at once what was permitted of a case; one person does, for it closes what was open.

        Raises `NoSession`, `NotAllowed`, `HoldRefused`.
        """
        what = Object("hold", hold_id), Object("case", case_id)
        async with deciding(self._pool, acts.FORBIDDEN, now, *what, reason=reason) as tx:
            hold, by = await self._for(tx, token, Act.PROPOSE_HOLD, hold_id, now)
            uses = sorted({each["use"] for each in await tx.fetch(_FORBID, hold_id, case_id, now)})
            if not uses:
                raise HoldRefused(
                    f"hold {hold_id} permits nothing of a case {case_id!r} now; `proofwatch hold list` shows what it "
                    "permits",
                    "no_such_use",
                    by,
                    hold.tenant,
                )
            details = {"use": " ".join(uses)}
            await enter(
                tx, act(acts.FORBIDDEN, person(by), now, *what, tenant=hold.tenant, reason=reason, details=details)
            )
        return hold

    async def _for(self, tx: Any, token: str, right: Act, hold_id: str, now: datetime) -> tuple[Hold, str]:
        """Return a restriction in force, locked, for who may act on it, and who that is."""
        row = await tx.fetchrow(_IN_FORCE, hold_id)
        who = await acting(self._people, tx, token, right, now, row["tenant"] if row else None)
        if row is None:
            raise HoldRefused(
                f"there is no hold {hold_id!r} in force that restricts processing; `proofwatch hold list` shows which "
                "do",
                "no_such_hold",
                who.person_id,
            )
        return Hold(**dict(row)), who.person_id


def _require_soon(until: datetime, now: datetime, by: str, tenant: str) -> None:
    if not now < until <= now + LONGEST:
        raise HoldRefused(
            f"--until {until:%Y-%m-%d %H:%M} UTC is not a time to come within {LONGEST.days} days: a use is permitted "
            "for a while, then decided anew",
            "until_out_of_range",
            by,
            tenant,
        )
