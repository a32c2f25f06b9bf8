"""What decides beside groups, as PostgreSQL knows it: silences, acknowledgements, what fires, what was told."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

import asyncpg
import msgspec

from services.notifier.core.around import Around, Fired, Inhibition, Limit, Silence
from services.notifier.core.groups import Acknowledged
from services.notifier.core.matchers import all_hold, matcher

_SILENCES: Final = """
select silence_id, matchers, begins_ms, ends_ms from notifier.silences where ends_ms > $1 order by silence_id"""
_ACKNOWLEDGED: Final = """
select group_id, by, sequence, at_ms from notifier.acknowledgements where group_id = any($1::text[])"""
_FIRED: Final = """
select alert_id, labels::text, since_ms, until_ms from notifier.alerts
where until_ms is null or until_ms > $1 order by alert_id"""
_SENT: Final = "select channel, made_ms from notifier.notifications where channel = any($1::text[]) and made_ms > $2"


class Limits(NamedTuple):
    """What the routes file says beside its routes."""

    inhibitions: Sequence[Inhibition] = ()
    channels: Mapping[str, Limit] = {}


class Beside(NamedTuple):
    """All of it, of some groups."""

    silences: Sequence[Silence]
    acknowledged: Mapping[str, Sequence[Acknowledged]]
    fired: Sequence[Fired]
    sent_ms: Mapping[str, Sequence[int]]
    limits: Limits

    @classmethod
    async def read(
        cls, group_ids: Sequence[str], channels: Collection[str], since_ms: int, limits: Limits, tx: asyncpg.Connection
    ) -> "Beside":
        """Return what holds at `since_ms` or later."""
        silences = [
            Silence(row["silence_id"], tuple(map(matcher, row["matchers"])), row["begins_ms"], row["ends_ms"])
            for row in await tx.fetch(_SILENCES, since_ms)
        ]
        acknowledged: dict[str, list[Acknowledged]] = {}
        for row in await tx.fetch(_ACKNOWLEDGED, group_ids):
            each = Acknowledged(row["by"], row["sequence"], row["at_ms"])
            acknowledged.setdefault(row["group_id"], []).append(each)
        fired = await _fired(limits.inhibitions, since_ms, tx) if limits.inhibitions else []
        sent: dict[str, list[int]] = {}
        limited = sorted(channels & limits.channels.keys())
        if limited:
            longest = max(limits.channels[each].per_ms for each in limited)
            for row in await tx.fetch(_SENT, limited, since_ms - longest):
                sent.setdefault(row["channel"], []).append(row["made_ms"])
        return cls(silences, acknowledged, fired, sent, limits)

    def around(self, group_id: str, channel: str) -> Around:
        """Return what decides beside one group."""
        return Around(
            self.silences,
            self.limits.inhibitions,
            self.fired,
            self.limits.channels.get(channel),
            self.sent_ms.get(channel, ()),
            self.acknowledged.get(group_id, ()),
        )


async def _fired(inhibitions: Sequence[Inhibition], since_ms: int, tx: asyncpg.Connection) -> list[Fired]:
    found = [
        Fired(
            row["alert_id"], msgspec.json.decode(row["labels"], type=dict[str, str]), row["since_ms"], row["until_ms"]
        )
        for row in await tx.fetch(_FIRED, since_ms)
    ]
    return [each for each in found if any(all_hold(rule.source, each.labels) for rule in inhibitions)]
