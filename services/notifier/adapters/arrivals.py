"""What the stage writes: which facts are new, and to which groups they go."""

from collections.abc import Mapping, Sequence
from typing import Final

import asyncpg
import msgspec

from proofwatch.bus.records import TopicPartition
from services.notifier.core.facts import Fact
from services.notifier.core.groups import Group
from services.notifier.core.routing import Target

_NEW: Final = """
insert into notifier.alerts as a (alert_id, revision, labels, over, since_ms, until_ms, seen_ms)
select id, revision, labels::jsonb, over, at_ms, case when over then at_ms end, at_ms
from unnest($1::text[], $2::bigint[], $3::text[], $4::bool[], $5::bigint[]) as n(id, revision, labels, over, at_ms)
on conflict (alert_id) do update set revision = excluded.revision, labels = excluded.labels, over = excluded.over,
  since_ms = case when a.over then excluded.since_ms else a.since_ms end,
  until_ms = excluded.until_ms, seen_ms = excluded.seen_ms
where a.revision < excluded.revision"""
_KNOWN: Final = "select alert_id, revision from notifier.alerts where alert_id = any($1::text[])"

# Never an update: whoever follows the groups has their rows locked, and waits for the fence that is held here.
_GROUPS: Final = """
insert into notifier.groups(group_id, channel, path, labels, state, source_topic, source_partition)
select id, channel, string_to_array(path, '/'), labels::jsonb, $5, $6, $7
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as n(id, channel, path, labels)
order by id on conflict do nothing"""

_TOLD: Final = "select alert_id, group_id from notifier.members where alert_id = any($1::text[])"

_ARRIVALS: Final = """
insert into notifier.arrivals(group_id, alert_id, revision, at_ms, fact)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[]) on conflict do nothing"""

NEW_GROUP: Final = msgspec.json.encode(Group())
_text = msgspec.json.Encoder(order="deterministic").encode


class PostgresArrivals:
    """The `Arrivals` of the stage."""

    async def known(self, alert_ids: Sequence[str], tx: asyncpg.Connection) -> Mapping[str, int]:
        """Return the newest revision of those that are known."""
        return {row["alert_id"]: row["revision"] for row in await tx.fetch(_KNOWN, alert_ids)}

    async def keep(self, newest: Sequence[tuple[Fact, int]], tx: asyncpg.Connection) -> None:
        """Keep the newest revision of each thing, with when it came."""
        await tx.execute(
            _NEW,
            [fact.alert_id for fact, _ in newest],
            [fact.source_revision for fact, _ in newest],
            [_text(fact.labels).decode() for fact, _ in newest],
            [fact.is_over for fact, _ in newest],
            [at_ms for _, at_ms in newest],
        )

    async def told(self, alert_ids: Sequence[str], tx: asyncpg.Connection) -> Sequence[tuple[str, str]]:
        """Return the groups that were told that they fire, by alert."""
        return [(row["alert_id"], row["group_id"]) for row in await tx.fetch(_TOLD, alert_ids)]

    async def add(
        self,
        going: Sequence[tuple[str, Fact, int]],
        targets: Sequence[Target],
        source: TopicPartition,
        tx: asyncpg.Connection,
    ) -> None:
        """Put facts before their groups, by group id and with when they came; groups that are new begin."""
        await add_groups(targets, source, tx)
        await tx.execute(
            _ARRIVALS,
            [group_id for group_id, _, _ in going],
            [fact.alert_id for _, fact, _ in going],
            [fact.source_revision for _, fact, _ in going],
            [at_ms for _, _, at_ms in going],
            [msgspec.json.encode(fact) for _, fact, _ in going],
        )


async def add_groups(targets: Sequence[Target], source: TopicPartition, tx: asyncpg.Connection) -> None:
    """Begin the groups that there are not yet, in the order of their ids, as everybody does."""
    if targets:
        await tx.execute(
            _GROUPS,
            [each.group_id for each in targets],
            [each.channel for each in targets],
            ["/".join(each.plan.path) for each in targets],
            [_text(each.labels).decode() for each in targets],
            NEW_GROUP,
            source.topic,
            source.partition,
        )
