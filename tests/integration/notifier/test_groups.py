"""Groups on a real PostgreSQL: what is told together, once, through crashes, restarts and changed routes."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from proofwatch.events import topics
from proofwatch.events.identity import derived_id
from services.notifier.adapters import groups
from tests.integration.notifier.conftest import LOG_MS, Notifier, Starting
from tests.unit.notifier.events import ALERT_ID, AT, INCIDENT_ID, incident, platform_alert

NOW = datetime.fromtimestamp(LOG_MS / 1000, UTC)


def tree(rest: str = "", *, more: str = "", timing: str = "group_wait: 30s, group_interval: 5m") -> str:
    """A file whose first route tells the log; `rest`: further keys of it, `more`: of the file."""
    return f"{more}\nroute: {{name: all, channels: [log], {timing}{', ' + rest if rest else ''}}}"


def further(number: int, **given: Any) -> Any:
    """Another incident of the same tenant."""
    return incident(incident_id=derived_id("another", number), **given)


async def told(notifier: Notifier) -> list[tuple[str, int, int]]:
    """State, number in its group and count of facts of every message, in order."""
    return [(each.state, each.sequence or 0, each.alerts_count or 0) for each in await notifier.published()]


async def decided(notifier: Notifier, alert: str = f"incident/{INCIDENT_ID}") -> list[str]:
    rows = await notifier.pool.fetch("select reason from notifier.decisions where alert_id = $1 order by seq", alert)
    return [row["reason"] for row in rows]


async def silence(notifier: Notifier, matcher: str, seconds: float) -> None:
    now_ms = notifier.clock.now_ms()
    await notifier.pool.execute(
        "insert into notifier.silences values ('s-1', $1, $2, $3, 'cleo', 'works', $2)",
        [matcher],
        now_ms,
        now_ms + round(seconds * 1000),
    )


async def test_a_storm_is_one_message(starting: Starting) -> None:
    """Two hundred incidents of a tenant within seconds: one message, told after the wait, that counts them."""
    async with starting(tree()) as notifier:
        await notifier.tell(*(further(n) for n in range(200)))
        assert await told(notifier) == []
        await notifier.pass_time(31)
        assert await told(notifier) == [("firing", 1, 200)]
        (message,) = await notifier.published()
        assert message.alerts
        assert len(message.alerts) == 20
        assert "(and 199 more)" in message.title
        await notifier.tell(*(further(n, state="ended", change="ended", revision=2, until=AT) for n in range(200)))
        await notifier.pass_time(300)
        assert await told(notifier) == [("firing", 1, 200), ("resolved", 2, 200)]
        assert await notifier.pool.fetchval("select count(*) from notifier.members") == 0


async def test_what_was_told_firing_is_told_resolved_by_a_file_that_knows_neither_route_nor_channel_for_it(
    starting: Starting,
) -> None:
    """Nobody goes on believing that it fires because somebody edited a file; news of it goes by the new file alone."""
    async with starting(tree("group_by: ['...']", timing="group_wait: 0s, group_interval: 0s")) as notifier:
        await notifier.tell(incident())
        assert await told(notifier) == [("firing", 1, 1)]
        file = notifier.settings.routes_file
        assert file
        file.write_text("channels: {team: {kind: log}}\nroute: {name: other, channels: [team], group_wait: 0s}")
        await notifier.restart()
        await notifier.tell(incident(change="rose", revision=2, severity="critical"))
        assert [each.channel for each in await notifier.published()] == ["log", "team"]
        await notifier.tell(incident(state="ended", change="ended", revision=3, until=AT))
        await notifier.pass_time(300)
        ends = [each.channel for each in await notifier.published() if each.state == "resolved"]
    assert sorted(ends) == ["log", "team"]


async def test_a_silence_holds_back_what_begins_and_never_what_ends(starting: Starting) -> None:
    """What it held back and fires still is told when it is over; each has its reason."""
    async with starting(tree()) as notifier:
        await notifier.tell(incident())
        await notifier.pass_time(31)
        await silence(notifier, "source=incident", 3600)
        await notifier.tell(further(1))
        await notifier.pass_time(600)
        assert await told(notifier) == [("firing", 1, 1)]
        await notifier.tell(incident(state="ended", change="ended", revision=2, until=AT))
        await notifier.pass_time(600)
        assert (await told(notifier))[1:] == [("resolved", 2, 1)]
        await notifier.pass_time(3600)
        assert (await told(notifier))[2:] == [("firing", 3, 1)]
        assert await decided(notifier) == ["sent", "silenced", "sent"]
        assert await decided(notifier, f"incident/{derived_id('another', 1)}") == ["silenced", "sent"]


async def test_inhibited_is_what_its_cause_explains(starting: Starting) -> None:
    """While the platform's lag is told, nobody is told of an incident that equals it in the labels named."""
    rule = "inhibit: [{source: [source=platform], target: [source=incident]}]"
    async with starting(tree("group_by: ['...']", more=rule)) as notifier:
        await notifier.tell(platform_alert(), incident())
        await notifier.pass_time(31)
        assert [each.source_topic for each in await notifier.published()] == [topics.PLATFORM_ALERTS]
        await notifier.tell(platform_alert(state="resolved"))
        await notifier.pass_time(601)
        assert await decided(notifier) == ["inhibited", "sent"]
        assert await decided(notifier, f"platform/{ALERT_ID}") == ["sent", "sent"]


async def test_nobody_acknowledges_so_others_are_told_and_told_of_the_end(starting: Starting) -> None:
    """Once, after the time that the route says; an acknowledgement in time, and nobody else hears of it."""
    file = tree("escalate: {after: 15m, channels: [pager]}", more="channels: {pager: {kind: log}}")
    async with starting(file) as notifier:
        await notifier.tell(incident())
        await notifier.pass_time(31)
        await notifier.pass_time(901)
        await notifier.pass_time(901)
        assert [each.channel for each in await notifier.published()] == ["log", "pager"]
        await notifier.tell(incident(state="ended", change="ended", revision=2, until=AT))
        await notifier.pass_time(601)
        ends = [each.channel for each in await notifier.published() if each.state == "resolved"]
        assert sorted(ends) == ["log", "pager"]
        await notifier.tell(further(1))
        await notifier.pass_time(301)
        await notifier.pool.execute(
            "insert into notifier.acknowledgements select group_id, 9, 'cleo', 'mine', $1 from notifier.groups "
            "where channel = 'log'",
            notifier.clock.now_ms(),
        )
        await notifier.pass_time(1800)
        assert [each.channel for each in await notifier.published()].count("pager") == 2


async def test_a_channel_that_had_enough_hears_of_ends_only_and_of_the_rest_when_there_is_room(
    starting: Starting,
) -> None:
    """Three in a row, two an hour: the third is told an hour later."""
    limit = "limits: {log: {messages: 2, per: 1h}}"
    async with starting(tree("group_by: ['...']", more=limit, timing="group_wait: 0s, group_interval: 0s")) as notifier:
        for n in range(3):
            await notifier.tell(further(n))
            await notifier.pass_time(1)
        assert len(await told(notifier)) == 2
        await notifier.tell(further(0, state="ended", change="ended", revision=2, until=AT))
        assert (await told(notifier))[-1] == ("resolved", 2, 1)
        for _ in range(3):
            await notifier.pass_time(1800)
        assert await decided(notifier, f"incident/{derived_id('another', 2)}") == ["rate_limited", "sent"]


async def test_what_was_long_past_when_it_came_is_one_digest(starting: Starting) -> None:
    """After downtime nobody gets a storm: one message of all of it, and each is told resolved when it ends."""
    async with starting(tree("group_by: ['...']")) as notifier:
        notifier.clock.advance_to(LOG_MS + 86_400_000)
        await notifier.tell(*(further(n) for n in range(50)))
        await notifier.pass_time(61)
        assert await told(notifier) == [("firing", 1, 50)]
        assert (await notifier.published())[0].route == "digest"
        assert await decided(notifier, f"incident/{derived_id('another', 3)}") == ["backfill"]
        await notifier.tell(further(3, state="ended", change="ended", revision=2, until=AT))
        await notifier.pass_time(301)
        assert await told(notifier) == [("firing", 1, 50), ("resolved", 2, 50)]
        assert (await notifier.published())[1].title.endswith("(49 others still fire)")


async def test_an_event_of_before_is_not_told_anew_when_its_group_has_forgotten_it(starting: Starting) -> None:
    """Read again a day later, from the beginning: not one message more."""
    async with starting(tree(timing="group_wait: 0s, group_interval: 0s")) as notifier:
        await notifier.tell(incident())
        await notifier.tell(incident(state="ended", change="ended", revision=2, until=AT))
        await notifier.pass_time(86_400)
        await notifier.tell(further(1))
        await notifier.pass_time(61)
        before = await told(notifier)
        await notifier.pool.execute("update notifier.fence set position = 0 where position > 0")
        await notifier.restart()
        await notifier.tell(incident())
        await notifier.pass_time(60)
        assert await told(notifier) == before


async def test_dispatchers_share_the_work_and_a_killed_one_leaves_nothing_half_done(
    starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each of its writes, then four at once: each of 100 groups is told once, by one of them."""
    async with starting(tree("group_by: ['...']", timing="group_wait: 0s, group_interval: 0s")) as notifier:
        for n in range(100):
            await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(further(n)))
        lanes, dispatcher, _ = notifier.service.parts
        while await lanes.step():
            pass

        async def die(*_: Any) -> None:
            raise KeyboardInterrupt

        for name in ("_keep", "add_notifications"):
            with monkeypatch.context() as killed:
                killed.setattr(groups, name, die)
                with pytest.raises(KeyboardInterrupt):
                    await dispatcher.step()
            assert await notifier.rows() == []
        several = [notifier.built().parts[1] for _ in range(4)]
        while sum(await asyncio.gather(*(each.step() for each in several))):
            pass
        await notifier.restart()  # its relay looks for what others wrote
        rows = await notifier.rows()
        published = await notifier.published()
    assert len(rows) == len(published) == len({each.notification_id for each in published}) == 100


async def test_a_fact_of_tomorrow_is_told_now(starting: Starting) -> None:
    """The time that counts is when it came: an upstream's fast clock makes nobody wait."""
    async with starting(tree()) as notifier:
        await notifier.tell(platform_alert(raised_at=NOW + timedelta(days=1)))
        await notifier.pass_time(31)
        assert await told(notifier) == [("firing", 1, 1)]
