"""Blind re-reviews in PostgreSQL: given to one person at a time, and told as agreement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Act
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, person
from proofwatch.audit.pending import Draw, enter
from proofwatch.bus.postgres.pool import transaction
from services.triage.adapters import entries
from services.triage.adapters.desk import CaseRefused, PostgresDesk, TenantNotYours
from services.triage.adapters.desk_reads import locked_case, reasons_of
from services.triage.adapters.disposition_entries import REREVIEWED, rereviewed
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import is_restricted, is_there, only_queue
from services.triage.core.dispositions import Finding
from services.triage.core.rereviews import KEPT, NOT_YOURS, Agreed, Blind, Pair, agreed

MOST_DIFFERENT: Final = 100
"""Pairs that differ, of a list of them: the newest."""
# Not what somebody judged, agreed to, worked on or wrote of: they would know what it was found to be.
_NEXT: Final = f"""
select r.disposition_id, r.case_id, c.tenant, c.kind, d.proposed_at,
  (select count(*) from triage.cases p where p.part_of = c.case_id) as parts
from triage.rereviews r join triage.dispositions d using (disposition_id)
join triage.cases c on c.case_id = r.case_id{restriction_of("c", "$3")}
cross join lateral (select array(
  select c.case_id union all select p.case_id from triage.cases p where p.part_of = c.case_id) as ids) f
where r.judged_at is null and restriction.holds is null and c.closed_by is distinct from 'erasure'
  and ($2::text[] is null or c.tenant = any($2)) and ($5::text is null or c.queue = $5)
  and (r.given_to is null or r.given_to = $1 or r.given_at <= $4)
  and not exists (select from triage.assignments a where a.case_id = any(f.ids) and a.person_id = $1)
  and not exists (select from triage.case_acts a where a.case_id = any(f.ids) and a.person_id = $1)
  and not exists (select from triage.notes n where n.case_id = any(f.ids) and n.person_id = $1)
  and not exists (select from triage.dispositions o
                  where o.case_id = any(f.ids) and $1 in (o.proposed_by, coalesce(o.settled_by, '')))
order by r.given_to is not distinct from $1 desc, r.drawn_at, r.disposition_id limit 1 for update of r skip locked"""  # noqa: S608 - a join of ours
_GIVE: Final = "update triage.rereviews set given_to = $2, given_at = $3 where disposition_id = $1"
_GIVEN: Final = """
select case_id from triage.rereviews
where disposition_id = $1 and given_to = $2 and given_at > $3 and judged_at is null"""
_LOCK: Final = f"{_GIVEN} for update"
_JUDGE: Final = """
update triage.rereviews set verdict = $2, attack = $3, species = $4, reason = $5, judged_at = $6
where disposition_id = $1"""
_FIRST: Final = "select verdict, reason, attack, species from triage.dispositions where disposition_id = $1"
_PAIRS: Final = f"""
select r.case_id, c.tenant, d.verdict, d.reason, d.attack, d.species, r.verdict as again, r.reason as again_reason,
  r.attack as again_attack, r.species as again_species, r.judged_at
from triage.rereviews r join triage.dispositions d using (disposition_id)
join triage.cases c on c.case_id = r.case_id{restriction_of("c", "$4")}
where r.judged_at >= $1 and r.judged_at < $2 and ($3::text[] is null or c.tenant = any($3))
  and ($5::text is null or c.queue = $5) and restriction.holds is null and c.closed_by is distinct from 'erasure'
order by r.judged_at desc, r.disposition_id"""  # noqa: S608 - a join of ours


class PostgresRereviews:
    """What people judge again."""

    def __init__(self, desk: PostgresDesk, draw: Draw) -> None:
        """`draw`: ids and salts of entries."""
        self._desk, self._draw = desk, draw

    async def next(self, token: str, now: datetime) -> Blind | None:
        """Give somebody one to judge, the same until it is judged or a day is over; None: none is for them.

        Raises `NoSession`, `NotAllowed`.
        """
        asking = await self._judge(token, now)
        async with transaction(self._desk.pool, "cases") as tx:
            tenants = None if asking.tenants is None else sorted(asking.tenants)
            row = await tx.fetchrow(_NEXT, asking.person_id, tenants, now, now - KEPT, only_queue(asking))
            if row is None:
                return None
            await tx.execute(_GIVE, row["disposition_id"], asking.person_id, now)
            known = [each for each in await reasons_of(tx, row["case_id"], now) if each.at <= row["proposed_at"]]
            await enter(tx, entries.looked(asking, 1, row["tenant"], row["case_id"], now, self._draw))
        return Blind(row["disposition_id"], row["tenant"], row["kind"], row["parts"], tuple(known))

    async def judge(self, disposition_id: str, finding: Finding, token: str, now: datetime) -> Pair:
        """Keep what somebody found; return it with what was found first, which they may know from now on.

        Raises `NoSession`, `NotAllowed`, and `CaseRefused`: it is not theirs to judge, or restricted by now.
        """
        session_id = (await self._judge(token, now)).session_id
        async with transaction(self._desk.pool, "cases") as tx:
            acting = await self._desk.acting(tx, session_id, now)
            given = disposition_id, acting.person_id, now - KEPT
            case_id = await tx.fetchval(_GIVEN, *given)
            locked = await locked_case(tx, case_id, now) if case_id else None
            case_id = await tx.fetchval(_LOCK, *given)  # after the case, as all others lock
            if locked is None or case_id is None or not is_there(locked[0], acting):
                raise CaseRefused(NOT_YOURS)
            case, by = locked[0], person(acting.person_id)
            told: Entry
            if refusal := is_restricted(case, "clear"):
                told = entries.denied(REREVIEWED, case, by, refusal, now, self._draw)
            else:
                await tx.execute(_JUDGE, disposition_id, finding.verdict, finding.attack, finding.species,
                                 finding.reason, now)  # fmt: skip
                first = await tx.fetchrow(_FIRST, disposition_id)
                pair = Pair(case.case_id, case.tenant, Finding(**first), finding, now)
                told = rereviewed(case, by, finding, now, self._draw, differs=pair.differs)
            await enter(tx, told)
        if refusal:
            raise CaseRefused(refusal)
        return pair

    async def told(
        self, token: str, tenant: str | None, since: datetime, until: datetime, now: datetime
    ) -> tuple[Agreed, Sequence[Pair]]:
        """Return how far first and second findings agree, and the newest pairs that differ.

        `tenant` None: of all that are there for who asks. Whose findings they are is not told: it is about cases.
        Raises `NoSession`, `NotAllowed`, `TenantNotYours`.
        """
        asking = await self._desk.session(token, now)
        if tenant is not None and not asking.sees(tenant):
            raise TenantNotYours(tenant)
        there = None if asking.tenants is None else sorted(asking.tenants)
        tenants = there if tenant is None else [tenant]
        async with transaction(self._desk.pool, "cases") as tx:
            rows = await tx.fetch(_PAIRS, since, until, tenants, now, only_queue(asking))
            pairs = [_pair(row) for row in rows]
            different = [each for each in pairs if each.differs][:MOST_DIFFERENT]
            if different:
                of = {each.tenant for each in different}
                whose = of.pop() if len(of) == 1 else None
                await enter(tx, entries.looked(asking, len(different), whose, None, now, self._draw))
        found = agreed((p.first.verdict, p.first.attack, p.second.verdict, p.second.attack) for p in pairs)
        return found, different

    async def _judge(self, token: str, now: datetime) -> Session:
        found = await self._desk.session(token, now)
        if not found.may(Act.PROPOSE_DISPOSITION):
            raise NotAllowed("who judges cases again are analysts; an admin gives roles")
        return found


def _pair(row: Any) -> Pair:
    first = Finding(row["verdict"], row["reason"], row["attack"], row["species"])
    second = Finding(row["again"], row["again_reason"], row["again_attack"], row["again_species"])
    return Pair(row["case_id"], row["tenant"], first, second, row["judged_at"])
