"""What cases have in common, and the clusters that come of it, in PostgreSQL.

Every lane keeps traits (`keep`); one lane alone makes clusters of them. That lane never waits for
a case that another transaction has locked: it leaves it until it looks again. So nobody waits for each other in a ring.
"""

from collections.abc import Sequence
from typing import Any

from proofwatch.governance.cohort import Cohort
from services.triage.adapters import cluster_statements as sql
from services.triage.core.clusters import AT_LEAST, OUTRANKED, TRIAGE, Grown
from services.triage.core.signals import CohortRate, Signal
from services.triage.ports import Noted, Unsettled


class PostgresClusters:
    """The `ClusterStore` of the service."""

    async def keep(self, noted: Sequence[Noted], alarms: Sequence[Signal], tx: Any) -> None:
        """Keep what suspicions say of their cases, and which belong to incidents; see `ClusterStore`."""
        rows = [(n.case_id, t.mark, t.kind, t.value, n.at, n.logged_at) for n in noted for t in n.traits]
        if rows:
            await tx.execute(sql.KEEP_TRAITS, *[list(column) for column in zip(*rows, strict=True)])
        for _, signal in sorted({each.cause.source_id: each for each in alarms}.items()):
            await tx.execute(sql.KEEP_ALARM, *_of_alarm(signal))

    async def unsettled(self, most: int, tx: Any) -> Unsettled:
        """Return the cases of which something is new, and the alarms; see `ClusterStore`."""
        rows = await tx.fetch(sql.UNSETTLED, most)
        cases = sorted({row["case_id"] for row in rows})
        return Unsettled(cases, [row[0] for row in await tx.fetch(sql.ALARMS)], [row["number"] for row in rows])

    async def grown(self, new: Unsettled, tx: Any) -> Sequence[Grown]:
        """Return the clusters that have enough cases by now, and no case yet; see `ClusterStore`."""
        rows = await tx.fetch(sql.GROWN, new.cases, new.alarms, [*AT_LEAST], [*AT_LEAST.values()])
        return [*map(_grown, rows)]

    async def settle(self, new: Unsettled, opened: Sequence[Grown], tx: Any) -> None:
        """Make the cases parts of the clusters that they belong to; see `ClusterStore`."""
        keys, days = [each.key for each in opened], [each.day for each in opened]
        if opened:
            await tx.execute(sql.OPENED, [each.case_id for each in opened], keys, days)
        members = await tx.fetch(sql.MEMBERS, new.alarms, keys, days) if opened or new.alarms else ()
        concerned = sorted({*new.cases, *(row["case_id"] for row in members)})
        wholes = {row["case_id"] for row in await tx.fetch(sql.WHOLES, concerned)}
        locked = {row["case_id"] for row in await tx.fetch(sql.LOCK, sorted({*concerned, *wholes}))}
        free = [each for each in concerned if each in locked]
        homes = await tx.fetch(sql.HOMES, free, [*AT_LEAST], TRIAGE)
        ready = [row for row in homes if {row["whole_id"], row["part_of"] or row["whole_id"]} <= locked]
        await _move(tx, ready)
        await tx.execute(sql.SETTLED, new.numbers)
        await tx.execute(sql.ALARMS_SETTLED, new.alarms)
        done = {*free} - {row["case_id"] for row in homes} | {row["case_id"] for row in ready}
        if waiting := {*concerned} - done:
            await tx.execute(sql.LATER, sorted(waiting))


async def _move(tx: Any, homes: Sequence[Any]) -> None:
    """Make cases parts of their clusters, and of no other any more; all are locked."""
    if not homes:
        return
    parts, at = [row["case_id"] for row in homes], [row["at"] for row in homes]
    wholes, why = [row["whole_id"] for row in homes], [row["kind"] for row in homes]
    if any(row["part_of"] for row in homes):
        await tx.execute(sql.LEFT, parts, at, TRIAGE, OUTRANKED)
    await tx.execute(sql.JOIN, parts, wholes)
    await tx.execute(sql.JOINED, parts, wholes, at, why, TRIAGE)


def _of_alarm(signal: Signal) -> tuple[Any, ...]:
    scope, rate = signal.scope, signal.rate
    assert scope is not None, "others are not kept"
    assert rate is not None, "an incident has a rate"
    about = rate.cohort.segment_name, rate.cohort.segment_value, rate.metric
    return signal.cause.source_id, signal.tenant, [*scope.marks], scope.since, scope.until, *about


def _grown(row: Any) -> Grown:
    about = Cohort(row["tenant"], row["segment_name"], row["segment_value"])
    rate = CohortRate(about, row["metric"]) if row["metric"] else None
    return Grown(row["kind"], row["tenant"], row["key"], row["day"], row["at"], row["value"], rate)
