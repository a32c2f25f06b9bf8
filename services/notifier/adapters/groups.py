"""Groups in PostgreSQL: whoever takes some has them to itself, and writes all that comes of them at once."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import asyncpg
import msgspec

from proofwatch.bus.postgres.fence import PostgresFence
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import codec, topics
from proofwatch.events.types import Notification
from proofwatch.events.wire import JSON, Wire
from proofwatch.instants import ms_of
from services.notifier.adapters.around import Beside, Limits
from services.notifier.adapters.arrivals import PostgresArrivals
from services.notifier.adapters.postgres import add_notifications
from services.notifier.core.arriving import Arrival
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Group
from services.notifier.ports import DueGroup, Followed

_USER: Final = "notifier groups"
_TAKE: Final = """
select group_id, channel, path, labels::text, state, wake_ms, source_topic, source_partition from notifier.groups
where wake_ms <= $1 or group_id in (select group_id from notifier.arrivals)
order by wake_ms nulls first, group_id limit $2 for update skip locked"""
_COME: Final = "delete from notifier.arrivals where group_id = any($1::text[]) returning group_id, at_ms, fact"
_KEEP: Final = """
update notifier.groups g set state = n.state, wake_ms = n.wake_ms
from unnest($1::text[], $2::bytea[], $3::bigint[]) as n(id, state, wake_ms) where g.group_id = n.id"""
_TELLS: Final = """
insert into notifier.members(alert_id, group_id) select * from unnest($1::text[], $2::text[]) on conflict do nothing"""
_TELLS_NO_MORE: Final = """
delete from notifier.members m using unnest($1::text[], $2::text[]) as n(alert_id, group_id)
where m.alert_id = n.alert_id and m.group_id = n.group_id"""
_DECIDED: Final = """
insert into notifier.decisions(group_id, alert_id, revision, at_ms, reason, by, sequence)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[])"""
_FORGET: Final = """
with alerts as (
  delete from notifier.alerts where alert_id in (
    select alert_id from notifier.alerts where over and seen_ms < $1 order by seen_ms limit $2) returning 1
), decisions as (
  delete from notifier.decisions where seq in (
    select seq from notifier.decisions where at_ms < $1 order by at_ms limit $2) returning 1
)
select greatest((select count(*) from alerts), (select count(*) from decisions))"""


class PostgresGroups:
    """The `GroupStore` of the dispatcher. Raises `DatabaseAway`."""

    def __init__(self, fence: PostgresFence, limits: Limits, wire: Wire = JSON) -> None:
        """`fence`: the one of the stage, through whose outbox messages are published. `limits`: of some channels."""
        self._fence = fence
        self._limits = limits
        self._encode = wire.encoder(codec.NOTIFICATION)
        self._arrivals = PostgresArrivals()

    async def follow(self, now_ms: int, limit: int, course: Callable[[Sequence[DueGroup]], Sequence[Followed]]) -> int:
        """Take at most `limit` groups that are due, or to which something came; keep what `course` makes of them."""
        outputs: dict[TopicPartition, list[Outgoing]] = {}
        async with transaction(self._fence.pool, _USER) as tx:
            rows = await tx.fetch(_TAKE, now_ms, limit)
            if not rows:
                return 0
            due = await self._due(rows, now_ms, tx)
            followed = course(due)
            await _keep(followed, tx)
            for each in followed:
                await self._arrivals.add(each.further, each.begun, each.due.source, tx)
            told = [(notification, each) for each in followed for notification in each.notifications]
            await add_notifications([each for each, _ in told], tx)
            for notification, each in told:
                outputs.setdefault(each.due.source, []).append(self._outgoing(notification))
            for source in sorted(outputs):
                await self._fence.append(source, outputs[source], tx)
        for source, published in outputs.items():
            await self._fence.appended(source, published)
        return len(rows)

    async def forget(self, before_ms: int, limit: int) -> int:
        """Delete what is known of things that were over, and decisions, of before; return how many of either."""
        async with session(self._fence.pool, _USER) as connection:
            removed: int = await connection.fetchval(_FORGET, before_ms, limit)
        return removed

    async def _due(self, rows: Sequence[Any], now_ms: int, tx: asyncpg.Connection) -> Sequence[DueGroup]:
        ids = [row["group_id"] for row in rows]
        come: dict[str, list[Arrival]] = {}
        for row in await tx.fetch(_COME, ids):
            fact = msgspec.json.decode(row["fact"], type=Fact)
            come.setdefault(row["group_id"], []).append(Arrival(fact, row["at_ms"]))
        earliest = min((row["wake_ms"] for row in rows if row["wake_ms"] is not None), default=now_ms)
        earliest = min([earliest, *(each.at_ms for arrived in come.values() for each in arrived)])
        beside = await Beside.read(ids, {row["channel"] for row in rows}, earliest, self._limits, tx)
        return [
            DueGroup(
                row["group_id"],
                row["channel"],
                tuple(row["path"]),
                msgspec.json.decode(row["labels"], type=dict[str, str]),
                msgspec.json.decode(row["state"], type=Group),
                tuple(come.get(row["group_id"], ())),
                TopicPartition(row["source_topic"], row["source_partition"]),
                beside.around(row["group_id"], row["channel"]),
            )
            for row in rows
        ]

    def _outgoing(self, told: Notification) -> Outgoing:
        return Outgoing(
            topics.NOTIFICATIONS, told.channel.encode(), self._encode(told), timestamp_ms=ms_of(told.created_at)
        )


async def _keep(followed: Sequence[Followed], tx: asyncpg.Connection) -> None:
    ids = [each.due.group_id for each in followed]
    states = [msgspec.json.encode(each.group) for each in followed]
    await tx.execute(_KEEP, ids, states, [each.group.due_ms for each in followed])
    before = {(alert_id, each.due.group_id) for each in followed for alert_id in _told(each.due.group)}
    after = {(alert_id, each.due.group_id) for each in followed for alert_id in _told(each.group)}
    for statement, pairs in ((_TELLS, sorted(after - before)), (_TELLS_NO_MORE, sorted(before - after))):
        if pairs:
            await tx.execute(statement, [alert_id for alert_id, _ in pairs], [group_id for _, group_id in pairs])
    decided = [(each.due.group_id, decision) for each in followed for decision in each.decisions]
    if decided:
        await tx.execute(
            _DECIDED,
            [group_id for group_id, _ in decided],
            [decision.alert_id for _, decision in decided],
            [decision.revision for _, decision in decided],
            [decision.at_ms for _, decision in decided],
            [decision.reason for _, decision in decided],
            [decision.by for _, decision in decided],
            [decision.sequence for _, decision in decided],
        )


def _told(group: Group) -> set[str]:
    return {each.fact.alert_id for each in group.members if each.told and not each.told.over}
