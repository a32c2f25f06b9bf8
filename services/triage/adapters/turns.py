"""New cases that go around, in PostgreSQL: whose turn it is, who is there, and the cases that wait; one transaction."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from proofwatch.access.roles import known
from proofwatch.audit.pending import Draw, enter
from services.triage.adapters import entries
from services.triage.adapters.desk_reads import ASSIGNEE, in_hand, locked_case
from services.triage.adapters.desk_writes import ASSIGN
from services.triage.adapters.restricted import restriction_of
from services.triage.core.assignments import Worker
from services.triage.core.limits import Limits
from services.triage.core.tasks import Task
from services.triage.core.turns import PRESENT, SETTLED, Dealt, Present, Waits, dealt

if TYPE_CHECKING:
    import asyncpg

_MOST: Final = 500
_TRIAGE: Final = "triage"
TURN: Final = "turn"
"""Why a case came to somebody."""
# Whose turn it is, is locked first: of two processes one deals, and the other sees what it dealt.
_TURNS: Final = "select task, name from triage.turns where task = any($1::text[]) order by task for update"
_BEGIN: Final = "insert into triage.turns(task) select unnest($1::text[]) on conflict do nothing"
_KEEP: Final = "update triage.turns set name = $2, at = $3 where task = $1"
_WAITING: Final = f"""
select c.case_id, c.task from triage.cases c{restriction_of("c", "$2")}
where restriction.holds is null and c.state <> 'closed' and c.part_of is null and c.stage = 'new'
  and c.task = any($1::text[]) and c.opened_at <= $3 and (c.snoozed_until is null or c.snoozed_until <= $2)
  and not exists (select from triage.assignments a where a.case_id = c.case_id)
order by (c.severity = 'high' or c.parts_grave) desc, c.opened_at, c.case_id collate "C"
limit {_MOST} for update of c skip locked"""  # noqa: S608 - a join of ours
_PRESENT: Final = "select person_id, name, tenants, roles from access.present($1, $2) order by person_id"


class PostgresTurns:
    """Gives new cases of some tasks to those who are there."""

    def __init__(self, tasks: Collection[Task], limits: Limits, draw: Draw = secrets.token_bytes) -> None:
        """`limits`: who works on so many cases is passed over; `draw`: as of `PostgresDesk`."""
        self._tasks, self._limits, self._draw = sorted(tasks), limits, draw

    async def deal(self, now: datetime, tx: "asyncpg.Connection") -> None:
        """Give what waits to whose turn it is, each with its entry; see `Dealer`."""
        if not self._tasks:
            return
        present = [_there(row) for row in await tx.fetch(_PRESENT, now, now - PRESENT)]
        if not present:
            return
        await tx.execute(_BEGIN, self._tasks)
        turns = {row["task"]: row["name"] for row in await tx.fetch(_TURNS, self._tasks) if row["name"]}
        rows = await tx.fetch(_WAITING, self._tasks, now, now - SETTLED)
        waiting = [each for row in rows if (each := await _waits(tx, row["case_id"], row["task"], now))]
        if not waiting:
            return
        people = [Present(name, worker, (await in_hand(tx, worker.person_id))[1]) for name, worker in present]
        await self._give(tx, dealt(waiting, people, turns, self._limits), now)

    async def _give(self, tx: "asyncpg.Connection", found: Sequence[Dealt], now: datetime) -> None:
        if not found:
            return
        cases, people, all_ = [each.case.case_id for each in found], [each.person_id for each in found], len(found)
        await tx.execute(ASSIGN, cases, people, [now] * all_, [_TRIAGE] * all_, [TURN] * all_)
        last = {each.task: each.name for each in found}
        await tx.executemany(_KEEP, [(task, name, now) for task, name in last.items()])
        await enter(
            tx, *[entries.assigned(each.case, entries.TRIAGE, each.person_id, now, self._draw) for each in found]
        )


def _there(row: "asyncpg.Record") -> tuple[str, Worker]:
    tenants = None if row["tenants"] is None else frozenset(row["tenants"])
    return row["name"], Worker(row["person_id"], tenants, known(row["roles"]))


async def _waits(tx: "asyncpg.Connection", case_id: str, task: Task, now: datetime) -> Waits | None:
    """Return a case that is locked; None: somebody took it between the look and the lock."""
    if await tx.fetchval(ASSIGNEE, case_id) is not None:
        return None
    locked = await locked_case(tx, case_id, now)
    return Waits(locked[0], task) if locked else None
