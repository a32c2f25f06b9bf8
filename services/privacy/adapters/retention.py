"""Retention in PostgreSQL: each schema removes its own, when the role `privacy` says up to when, and whom not."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.roles import Act
from proofwatch.audit.entry import Actor, Object
from proofwatch.audit.pending import act, enter
from proofwatch.bus.postgres.pool import transaction
from proofwatch.bus.postgres.tags import PostgresTags
from services.privacy.adapters.acting import USER, acting, deciding
from services.privacy.adapters.holds import HOLDS
from services.privacy.core import acts
from services.privacy.core.erasure import Hold
from services.privacy.core.retention import Due, Rule

if TYPE_CHECKING:
    import asyncpg

_DIED: Final = timedelta(hours=1)
"""A run whose last batch is so old is gone on with by whoever looks."""
_BEGIN: Final = """
insert into privacy.retention_runs as r (day, began_at) values($1, $2)
on conflict(day) do update set began_at = excluded.began_at where r.ended_at is null and r.began_at < $3
returning day"""
_ADD: Final = """
insert into privacy.retention_removed as r (day, rule, tenant, n) values($1, $2, $3, $4)
on conflict(day, rule, tenant) do update set n = r.n + excluded.n"""
_GOES_ON: Final = "update privacy.retention_runs set began_at = $2 where day = $1"
_END: Final = "update privacy.retention_runs set ended_at = $2 where day = $1 and ended_at is null returning day"
_REMOVED: Final = "select rule, sum(n)::bigint as n from privacy.retention_removed where day = $1 group by 1"
_HOLDS: Final = f"""{HOLDS}
where lifted_at is null and (until is null or until > $1) order by until desc nulls first"""


class PostgresRetention:
    """What is old enough, and its removal in bounded batches. No hold is placed while a batch is at work."""

    def __init__(self, pool: "asyncpg.Pool", tags: PostgresTags) -> None:
        """`tags`: by which tables know who is held."""
        self._pool, self._people, self._tags = pool, PostgresPeople(pool), tags

    async def due(self, token: str, rules: Sequence[Rule], now: datetime) -> tuple[list[Due], Mapping[str, Hold]]:
        """Return what would go and what holds keep, by rule and tenant, and those holds by id; the look is an entry.

        Raises `NoSession`, `NotAllowed`.
        """
        async with deciding(self._pool, acts.LISTED, now, Object("list", "retention")) as tx:
            who = await acting(self._people, tx, token, Act.PROPOSE_HOLD, now, None)
            holds = await self._holds(tx, now)
            found = [each for rule in rules for each in await _due(tx, rule, holds, now) if who.sees(each.tenant)]
            await enter(tx, acts.listed("retention", who.person_id, who.session_id, len(found), now))
        kept = {hold_id for each in found for hold_id in each.kept}
        return found, {hold.hold_id: hold for hold in holds.values() if hold.hold_id in kept}

    async def begin(self, now: datetime) -> date | None:
        """Begin the run of a day (UTC), or go on with one that died; return None where it is done or under way."""
        async with transaction(self._pool, USER) as tx:
            day: date | None = await tx.fetchval(_BEGIN, now.date(), now, now - _DIED)
            return day

    async def remove(self, day: date, rule: Rule, now: datetime, most: int) -> int:
        """Remove at most `most` of what a rule lets go; return how many there were."""
        async with transaction(self._pool, USER) as tx:
            await tx.execute("lock table privacy.holds in share mode")
            whose, tags = _columns(await self._holds(tx, now))
            rows = await tx.fetch(f"select tenant, n from {_functions(rule)}retire($1, $2::text[], $3::text[], $4)",  # noqa: S608
                                  rule.before(now), whose, tags, most)  # fmt: skip
            for tenant, count in rows:
                await tx.execute(_ADD, day, _name(rule), tenant, count)
            await tx.execute(_GOES_ON, day, now)
            return sum(count for _, count in rows)

    async def end(self, day: date, rules: Sequence[Rule], now: datetime, by: Actor) -> Mapping[str, int]:
        """End the run and enter what went and what stayed; return that. Nobody is named."""
        async with transaction(self._pool, USER) as tx:
            figures = {f"removed.{_name(rule)}": 0 for rule in rules}
            figures |= {f"removed.{row['rule']}": row["n"] for row in await tx.fetch(_REMOVED, day)}
            holds = await self._holds(tx, now)
            for rule in rules:
                kept = sum(sum(each.kept.values()) for each in await _due(tx, rule, holds, now))
                figures |= {f"held.{_name(rule)}": kept} if kept else {}
            if await tx.fetchval(_END, day, now) is not None:
                await enter(tx, act(acts.RETIRED, by, now, Object("retention_run", str(day)), details=figures))
            return figures

    async def _holds(self, tx: Any, now: datetime) -> dict[tuple[str, str], Hold]:
        """Return of everybody who is held the hold that lasts longest, by tenant and tag. Raises `Blocked`.

        Who has no key gets one, so that nobody gives them another tag until the transaction has ended.
        """
        found: dict[tuple[str, str], Hold] = {}
        for row in await tx.fetch(_HOLDS, now):
            found.setdefault((row["tenant"], row["mark"]), Hold(**dict(row)))
        tags = (await self._tags.of(tx, found)).tags
        return {(whose[0], tags[whose]): hold for whose, hold in found.items()}


async def _due(tx: Any, rule: Rule, holds: Mapping[tuple[str, str], Hold], now: datetime) -> list[Due]:
    whose, tags = _columns(holds)
    query = f"select tenant, held, n from {_functions(rule)}to_retire($1, $2::text[], $3::text[])"  # noqa: S608 - a manifest's
    goes, kept = dict[str, int](), dict[str, dict[str, int]]()
    for tenant, tag, count in await tx.fetch(query, rule.before(now), whose, tags):
        if tag is None:
            goes[tenant] = count
        else:
            kept.setdefault(tenant, {})[holds[tenant, tag].hold_id] = count
    return [Due(rule, each, goes.get(each, 0), kept.get(each, {})) for each in sorted({*goes, *kept})]


def _columns(holds: Mapping[tuple[str, str], Hold]) -> tuple[list[str], list[str]]:
    return [tenant for tenant, _ in holds], [tag for _, tag in holds]


def _functions(rule: Rule) -> str:
    return f"{rule.store}.{rule.functions}"


def _name(rule: Rule) -> str:
    return f"{rule.store}.{rule.rule}"
