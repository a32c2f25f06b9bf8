"""Messages in PostgreSQL, schema `notifier`: those that are made, and the queue of those that are to be sent."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg

from proofwatch.bus.postgres.pool import session
from proofwatch.events import codec
from proofwatch.events.types import Notification
from proofwatch.instants import ms_of
from services.notifier.core.delivery import Next
from services.notifier.ports import Claimed

_USER: Final = "notifier queue"
_ADD: Final = """
insert into notifier.notifications(notification_id, channel, source_topic, source_id, source_revision, created_at,
                                   event, group_id, sequence, made_ms)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::bytea[],
                     $8::text[], $9::bigint[], $10::bigint[])
on conflict do nothing"""

# What a receiver hears of one group, it hears in order: a later message, such as of an end, waits until every earlier
# one is sent or given up. Those from before there were groups wait by the revisions of their source. The row lock lasts
# only for this statement: what keeps others away while the request is under way is due_ms.
_CLAIM: Final = """
with due as (
  select notification_id from notifier.notifications d where status = 'pending' and due_ms <= $1
    and not exists (select from notifier.notifications b where b.status = 'pending' and b.group_id = d.group_id
      and b.sequence < d.sequence)
    and not exists (select from notifier.notifications b where b.status = 'pending' and b.group_id is null
      and b.channel = d.channel
      and b.source_topic = d.source_topic and b.source_id = d.source_id and b.source_revision < d.source_revision)
  order by due_ms, created_at, notification_id limit $3 for update skip locked)
update notifier.notifications n set due_ms = $2 from due where n.notification_id = due.notification_id
returning n.notification_id, n.created_at, n.event, n.attempts"""

_PENDING: Final = "select channel, count(*) from notifier.notifications where status = 'pending' group by channel"

_FORGET: Final = """
with past as (
  select notification_id from notifier.notifications where settled_ms < $1 and status <> 'pending'
  order by settled_ms limit $2 for update skip locked
), gone as (
  delete from notifier.notifications n using past where n.notification_id = past.notification_id returning n.channel
), counted as (
  select channel, count(*) as n from gone group by channel
), told as (
  insert into notifier.removed as r (day, channel, rows, before_ms) select current_date, channel, n, $1 from counted
  on conflict (day, channel) do update set rows = r.rows + excluded.rows, before_ms = excluded.before_ms
)
select coalesce(sum(n), 0)::bigint from counted
"""
_SETTLE: Final = """
update notifier.notifications n
set status = o.status, attempts = o.attempts, reason = o.reason,
    due_ms = case when o.status = 'pending' then o.at_ms else n.due_ms end,
    settled_ms = case when o.status = 'pending' then null else o.at_ms end
from unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[]) as o(id, status, attempts, at_ms, reason)
where n.notification_id = o.id and n.status = 'pending'"""


async def add_notifications(notifications: Sequence[Notification], tx: asyncpg.Connection) -> None:
    """Insert what is new, in one round trip, as pending."""
    if notifications:
        await tx.execute(
            _ADD,
            [each.notification_id for each in notifications],
            [each.channel for each in notifications],
            [each.source_topic for each in notifications],
            [each.source_id for each in notifications],
            [each.source_revision for each in notifications],
            [each.created_at for each in notifications],
            [codec.NOTIFICATION.encode(each) for each in notifications],
            [each.group_id for each in notifications],
            [each.sequence for each in notifications],
            [ms_of(each.created_at) for each in notifications],
        )


class PostgresQueue:
    """The `SendQueue` of the sender. Both raise `DatabaseAway`."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self._pool = pool

    async def claim(self, now_ms: int, until_ms: int, limit: int) -> Sequence[Claimed]:
        """Take what is due and what no other sender is taking at this moment."""
        async with session(self._pool, _USER) as connection:
            rows = await connection.fetch(_CLAIM, now_ms, until_ms, limit)
        rows.sort(key=lambda row: (row["created_at"], row["notification_id"]))
        return [Claimed(codec.NOTIFICATION.decode(row["event"]), row["attempts"]) for row in rows]

    async def pending(self) -> Mapping[str, int]:
        """Count what is pending, by channel."""
        async with session(self._pool, f"{_USER} pending") as connection:
            rows = await connection.fetch(_PENDING)
        return {row["channel"]: row["count"] for row in rows}

    async def forget(self, before_ms: int, limit: int) -> int:
        """Delete the oldest of what was settled before; what went is added up in `notifier.removed`."""
        async with session(self._pool, _USER) as connection:
            removed: int = await connection.fetchval(_FORGET, before_ms, limit)
        return removed

    async def settle(self, outcomes: Sequence[tuple[str, Next]]) -> None:
        """Record the outcomes in one round trip."""
        columns = (
            [notification_id for notification_id, _ in outcomes],
            [outcome.status for _, outcome in outcomes],
            [outcome.attempts for _, outcome in outcomes],
            [outcome.at_ms for _, outcome in outcomes],
            [outcome.reason for _, outcome in outcomes],
        )
        async with session(self._pool, _USER) as connection:
            await connection.execute(_SETTLE, *columns)
