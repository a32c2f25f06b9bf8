"""What people do with what they are told: look why, silence, acknowledge; each act with its entry, at once with it."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from proofwatch.audit.entry import SALT_BYTES, Entry, Object, entry
from proofwatch.audit.pending import enter
from proofwatch.bus.postgres.pool import session, transaction
from proofwatch.events.identity import derived_id
from proofwatch.exits.door import Granted, through
from proofwatch.exits.table import NOTIFY
from proofwatch.instants import instant_of
from services.notifier.core.matchers import Matcher, all_hold

if TYPE_CHECKING:
    import asyncpg

SILENCED, EXPIRED, ACKNOWLEDGED = "notifications.silenced", "notifications.silence_ended", "notifications.acknowledged"
_USER: Final = "notify"
_TOLD: Final = """
select g.group_id, g.channel, array_to_string(g.path, '/') as route, m.alert_id, a.labels::text as labels, a.since_ms,
  (select k.by from notifier.acknowledgements k where k.group_id = g.group_id order by k.sequence desc limit 1) as by
from notifier.members m join notifier.groups g using (group_id) join notifier.alerts a using (alert_id)
where $1::text is null or a.labels->>'tenant' = $1 order by a.since_ms, m.alert_id, g.channel limit 1000"""
_ALERTS: Final = """
select alert_id from notifier.alerts
where (alert_id = $1 or alert_id = any(array['incident/' || $1, 'case/' || $1, 'platform/' || $1])
       or alert_id in (select distinct d.alert_id from notifier.notifications n
                       join notifier.decisions d on d.group_id = n.group_id and d.sequence = n.sequence
                       where n.notification_id = $1))
  and ($2::text is null or labels->>'tenant' = $2)"""
_DECIDED: Final = """
select d.alert_id, d.revision, d.at_ms, d.reason, d.by, d.sequence, g.channel, array_to_string(g.path, '/') as route,
  n.notification_id, n.status, n.attempts, n.reason as failed
from notifier.decisions d join notifier.groups g using (group_id)
left join notifier.notifications n on n.group_id = d.group_id and n.sequence = d.sequence
where d.alert_id = any($1::text[]) order by d.seq limit 1000"""
_SILENCES: Final = """
select silence_id, matchers, begins_ms, ends_ms, author, comment, expired_by from notifier.silences
where ends_ms > $1 order by begins_ms, silence_id limit 1000"""
_SILENCE: Final = """
insert into notifier.silences(silence_id, matchers, begins_ms, ends_ms, author, comment, made_ms)
values ($1, $2, $3, $4, $5, $6, $7)"""
_EXPIRE: Final = """
update notifier.silences set ends_ms = greatest($2, begins_ms), expired_by = $3 where silence_id = $1"""
_WAKE: Final = """
update notifier.groups set wake_ms = 0 where group_id in (
  select group_id from notifier.groups where wake_ms is not null order by group_id for update)"""
_FIRING: Final = "select labels::text as labels from notifier.alerts where not over"
_GROUPS: Final = """
select distinct m.group_id from notifier.members m join notifier.alerts a using (alert_id)
where (m.group_id = $1 or m.alert_id = $1
       or m.alert_id = any(array['incident/' || $1, 'case/' || $1, 'platform/' || $1]))
  and ($2::text is null or a.labels->>'tenant' = $2) order by 1"""
_ACKNOWLEDGE: Final = """
insert into notifier.acknowledgements(group_id, sequence, by, comment, at_ms)
select g.group_id, coalesce(max(n.sequence), 0), $2, $3, $4
from notifier.groups g left join notifier.notifications n using (group_id)
where g.group_id = any($1::text[]) group by g.group_id
on conflict (group_id, sequence) do nothing returning group_id, sequence"""


class NothingSuch(LookupError):
    """There is nothing by what was given; the message says where to look."""


class Said(NamedTuple):
    """Who acts, why and when."""

    granted: Granted
    reason: str
    at_ms: int


class Told(msgspec.Struct, frozen=True):
    """What a channel knows to fire."""

    alert_id: str
    channel: str
    route: str
    group_id: str
    labels: dict[str, str]
    since_ms: int
    acknowledged_by: str | None


class Decided(msgspec.Struct, frozen=True):
    """What was decided of one revision of a thing, in one group."""

    alert_id: str
    revision: int
    at_ms: int
    reason: str
    by: str
    channel: str
    route: str
    sequence: int | None
    notification_id: str | None
    status: str | None
    """Of its message: pending, sent or failed."""
    failed: str | None
    """Why the last attempt to send it failed."""


class Silenced(msgspec.Struct, frozen=True):
    """A silence, with who made it."""

    silence_id: str
    matchers: list[str]
    begins_ms: int
    ends_ms: int
    author: str
    comment: str
    expired_by: str | None


class Handling:
    """All of it, of one tenant or of everything. Raises `DatabaseAway`."""

    def __init__(self, pool: "asyncpg.Pool", tenant: str | None) -> None:
        """`tenant`: nothing of others is there; None: everything is."""
        self._pool = pool
        self._tenant = tenant

    async def told(self) -> Sequence[Told]:
        """Return what channels know to fire, the oldest first, at most 1,000."""
        async with session(self._pool, _USER) as connection:
            rows = await connection.fetch(_TOLD, self._tenant)
        return [
            Told(
                row["alert_id"], row["channel"], row["route"], row["group_id"],
                msgspec.json.decode(row["labels"], type=dict[str, str]), row["since_ms"], row["by"],
            )
            for row in rows
        ]  # fmt: skip

    async def decided(self, given: str) -> Sequence[Decided]:
        """Return what was decided of an incident, a case, an alert, or a notification. Raises `NothingSuch`."""
        async with session(self._pool, _USER) as connection:
            alerts = [row["alert_id"] for row in await connection.fetch(_ALERTS, given, self._tenant)]
            if not alerts:
                raise NothingSuch(
                    f"nothing that can be told has the id {given[:64]!r}; an incident's is in its notification and in "
                    "its case, and the weak evidence of one is told to nobody"
                )
            rows = await connection.fetch(_DECIDED, alerts)
        return [Decided(**{name: row[name] for name in Decided.__struct_fields__}) for row in rows]

    async def silences(self, since_ms: int) -> Sequence[Silenced]:
        """Return those that end after a moment, the first to begin first."""
        async with session(self._pool, _USER) as connection:
            rows = await connection.fetch(_SILENCES, since_ms)
        found = [Silenced(**{name: row[name] for name in Silenced.__struct_fields__}) for row in rows]
        return [each for each in found if self._is_there(each)]

    async def silence(
        self, matchers: Sequence[Matcher], begins_ms: int, ends_ms: int, said: Said
    ) -> tuple[Silenced, int]:
        """Begin a silence, of the tenant alone if there is one; return it and how many that fire now it covers."""
        of_tenant = [Matcher("tenant", "=", self._tenant)] if self._tenant is not None else []
        held = tuple(dict.fromkeys([*of_tenant, *matchers]))
        by, texts = said.granted.actor.id, [str(each) for each in held]
        silence_id = derived_id("silence", said.granted.entry_id)
        made = Silenced(silence_id, texts, begins_ms, ends_ms, by, said.reason, None)
        async with transaction(self._pool, _USER) as tx:
            await tx.execute(_SILENCE, silence_id, texts, begins_ms, ends_ms, by, said.reason, said.at_ms)
            firing = [msgspec.json.decode(row["labels"], type=dict[str, str]) for row in await tx.fetch(_FIRING)]
            details: dict[str, str | int] = {
                "conditions": " ".join(texts),
                "from": _time(begins_ms),
                "until": _time(ends_ms),
            }
            await enter(tx, self._entry(SILENCED, Object("silence", silence_id), said, details))
        return made, sum(all_hold(held, labels) for labels in firing)

    async def expire(self, given: str, said: Said) -> str:
        """End a silence, by its id or how that begins; return its id. Raises `NothingSuch`."""
        found = [each for each in await self.silences(said.at_ms) if each.silence_id.startswith(given)]
        if len(found) != 1:
            which = "no silence that holds" if not found else f"{len(found)} silences"
            raise NothingSuch(f"{which} has an id that begins with {given[:64]!r}: proofwatch notify silences")
        (silence,) = found
        async with transaction(self._pool, _USER) as tx:
            await tx.execute(_EXPIRE, silence.silence_id, said.at_ms, said.granted.actor.id)
            await tx.execute(_WAKE)
            await enter(tx, self._entry(EXPIRED, Object("silence", silence.silence_id), said, {}))
        return silence.silence_id

    async def acknowledge(self, given: str, said: Said) -> int:
        """Take care of what was told; return on how many channels. Raises `NothingSuch`."""
        async with transaction(self._pool, _USER) as tx:
            ids = [row["group_id"] for row in await tx.fetch(_GROUPS, given, self._tenant)]
            if not ids:
                raise NothingSuch(f"nobody was told that {given[:64]!r} fires: proofwatch notify list")
            await tx.fetch(_ACKNOWLEDGE, ids, said.granted.actor.id, said.reason, said.at_ms)
            for each in ids:
                await enter(tx, self._entry(ACKNOWLEDGED, Object("group", each), said, {}))
        return len(ids)

    def _is_there(self, silence: Silenced) -> bool:
        return self._tenant is None or str(Matcher("tenant", "=", self._tenant)) in silence.matchers

    def _entry(self, action: str, about: Object, said: Said, details: dict[str, str | int]) -> Entry:
        made = entry(
            said.granted.actor,
            action,
            derived_id("entry", action, about.id, said.granted.entry_id),
            instant_of(said.at_ms),
            secrets.token_bytes(SALT_BYTES),
            objects=(about,),
            tenant=self._tenant,
            reason=said.reason,
            details=details,
        )
        return through(made, said.granted, NOTIFY)


def _time(ms: int) -> str:
    return instant_of(ms).isoformat()
