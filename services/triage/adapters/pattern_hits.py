"""What attack patterns matched, in PostgreSQL: counted once, and held against what the cases were found to be."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from proofwatch.events.types import AttackPattern, PatternHit
from proofwatch.privacy.suppression import Erased, Whose, suppressed
from services.triage.adapters.pattern_rows import learn

_KEEP: Final = """
insert into triage.pattern_hits(tenant, transaction_id, attempt_id, pattern_id, revision, mode, at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
on conflict do nothing returning tenant, transaction_id, attempt_id, pattern_id, revision, mode"""
_COUNT: Final = """
insert into triage.pattern_days(pattern_id, revision, mode, tenant, day, hits, accepted, last_at)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::date[], $6::bigint[], $7::bigint[],
                     $8::timestamptz[])
on conflict(pattern_id, revision, mode, tenant, day) do update set hits = pattern_days.hits + excluded.hits,
  accepted = pattern_days.accepted + excluded.accepted, last_at = greatest(pattern_days.last_at, excluded.last_at)"""
_DAYS: Final = """
select mode, day, sum(hits)::bigint as hits, sum(accepted)::bigint as accepted, max(last_at) as last_at
from triage.pattern_days where pattern_id = $1 and ($2::text[] is null or tenant = any($2)) and day >= $3
group by 1, 2 order by 2, 1"""
_TOTALS: Final = """
select pattern_id, mode, sum(hits)::bigint as hits, max(last_at) as last_at from triage.pattern_days
where pattern_id = any($1::text[]) and ($2::text[] is null or tenant = any($2)) group by 1, 2"""
# A case speaks once, whole: what was found of it last, whichever of its transactions matched.
_FOUND: Final = """
with matched as (
  select h.pattern_id, h.mode, r.case_id from triage.pattern_hits h
    join triage.case_reasons r on r.transaction_id = h.transaction_id
    join triage.cases c on c.case_id = r.case_id and c.tenant = h.tenant
  where h.pattern_id = any($1::text[]) and ($2::text[] is null or h.tenant = any($2))
  union
  select substr(r.code, length('attack_pattern.') + 1), 'live', r.case_id from triage.case_reasons r
  where r.code = any(select 'attack_pattern.' || p from unnest($1::text[]) as p) and r.code like 'attack\\_pattern.%'),
whole as (
  select distinct m.pattern_id, m.mode, coalesce(c.part_of, c.case_id) as case_id
  from matched m join triage.cases c using (case_id) where ($2::text[] is null or c.tenant = any($2)))
select w.pattern_id, w.mode, count(*) filter (where d.verdict = 'threat') as threats, count(d.verdict) as judged,
  count(*) as cases
from whole w left join lateral (
  select verdict from triage.dispositions d where d.case_id = w.case_id and d.state in ('decided', 'approved')
  order by d.number desc limit 1) d on true
group by 1, 2"""


_AMONG: Final = """
with whole as (
  select distinct coalesce(c.part_of, c.case_id) as case_id
  from unnest($1::text[], $2::text[]) as w(tenant, transaction_id)
    join triage.case_reasons r on r.transaction_id = w.transaction_id
    join triage.cases c on c.case_id = r.case_id and c.tenant = w.tenant)
select count(*) filter (where d.verdict = 'threat') as threats, count(d.verdict) as judged, count(*) as cases
from whole w left join lateral (
  select verdict from triage.dispositions d where d.case_id = w.case_id and d.state in ('decided', 'approved')
  order by d.number desc limit 1) d on true"""
_KNOWN: Final = "select source_id from triage.case_reasons where source_id = any($1::text[])"


class Day(NamedTuple):
    """What a pattern matched on a day (UTC): transactions, and of these the accepted ones."""

    mode: str
    day: date
    hits: int
    accepted: int
    last_at: datetime


class Total(NamedTuple):
    """What a pattern matched in all, and when last (of occurrence)."""

    pattern_id: str
    mode: str
    hits: int
    last_at: datetime


class FoundToBe(NamedTuple):
    """What the cases of its matches were found to be: `cases` in all, of these `judged`, and of these `threats`."""

    pattern_id: str
    mode: str
    threats: int
    judged: int
    cases: int


class PostgresHits:
    """Where hits are kept; all calls work inside the transaction that they are given."""

    async def erased(self, subjects: Collection[Whose], tx: Any) -> Erased:
        """Return which subjects, by mark, were erased, and when."""
        return await suppressed(tx, subjects)

    async def learn(self, event: AttackPattern, at: datetime, tx: Any) -> None:
        """Keep a pattern that others published."""
        await learn(tx, event, at)

    async def keep(self, hits: Sequence[PatternHit], tx: Any) -> None:
        """Count what was not counted yet, and keep which transactions they were."""
        by_id = {_id(each): each for each in hits}
        if not by_id:
            return
        given = [(*key, each.occurred_at) for key, each in sorted(by_id.items())]
        rows = await tx.fetch(_KEEP, *map(list, zip(*given, strict=True)))
        counts, accepted, last = Counter[_Day](), Counter[_Day](), dict[_Day, datetime]()
        for row in rows:
            hit = by_id[tuple(row)]
            day = (hit.pattern_id, hit.revision, hit.mode, hit.tenant, hit.occurred_at.astimezone(UTC).date())
            counts[day] += 1
            accepted[day] += hit.decision == "accept"
            last[day] = max(last.get(day, hit.occurred_at), hit.occurred_at)
        if counts:  # in order, so that two lanes never wait for each other
            told = [(*day, counts[day], accepted[day], last[day]) for day in sorted(counts)]
            await tx.execute(_COUNT, *map(list, zip(*told, strict=True)))


async def days_of(tx: Any, pattern_id: str, tenants: Sequence[str] | None, since: date) -> list[Day]:
    """Return what a pattern matched by day, of these tenants (None: all)."""
    return [Day(**row) for row in await tx.fetch(_DAYS, pattern_id, tenants, since)]


async def totals_of(tx: Any, pattern_ids: Sequence[str], tenants: Sequence[str] | None) -> list[Total]:
    """Return what patterns matched in all, of these tenants."""
    return [Total(**row) for row in await tx.fetch(_TOTALS, pattern_ids, tenants)]


async def found_of(tx: Any, pattern_ids: Sequence[str], tenants: Sequence[str] | None) -> list[FoundToBe]:
    """Return what the cases were found to be whose transactions patterns matched, of these tenants."""
    return [FoundToBe(**row) for row in await tx.fetch(_FOUND, pattern_ids, tenants)]


async def found_among(tx: Any, transactions: Sequence[tuple[str, str]]) -> tuple[int, int, int]:
    """Return of the cases that hold these (tenant, transaction): threats, those that are judged, and all."""
    row = await tx.fetchrow(_AMONG, [each[0] for each in transactions], [each[1] for each in transactions])
    return row["threats"], row["judged"], row["cases"]


async def known_among(tx: Any, suspicion_ids: Sequence[str]) -> frozenset[str]:
    """Return those that cases have already."""
    return frozenset(row["source_id"] for row in await tx.fetch(_KNOWN, suspicion_ids))


_Day = tuple[str, int, str, str, date]


def _id(hit: PatternHit) -> tuple[str, str, str, str, int, str]:
    return hit.tenant, hit.transaction_id, hit.attempt_id or "", hit.pattern_id, hit.revision, hit.mode
