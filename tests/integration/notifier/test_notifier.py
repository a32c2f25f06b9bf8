"""From event to channel, on a real PostgreSQL and a real HTTP receiver."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from proofwatch.bus.dead_letters.letter import read_dead_letter
from proofwatch.bus.errors import DatabaseAway
from proofwatch.events import codec, topics
from proofwatch.events.identity import derived_id
from services.imagery.core.alerts import broken, whole
from services.notifier.adapters.postgres import PostgresQueue, add_notifications
from services.notifier.sender import CLAIM_MS
from tests.integration.notifier.conftest import KEY, SECRET, Notifier, Starting
from tests.integration.notifier.receiver import Receiver, receiving
from tests.unit.imagery.test_glass import OPEN
from tests.unit.notifier.events import AT, INCIDENT_ID, escalation, incident, platform_alert

AT_ONCE = 'group_by: ["..."], group_wait: 0s, group_interval: 0s'
LOG_ONLY = f"route: {{name: all, channels: [log], {AT_ONCE}}}"


def to(receiver: Receiver) -> str:
    """Routes that send everything to the receiver."""
    return f"""
channels:
  soc: {{kind: webhook, url: "{receiver.url}", private: true, secret_env: SOC_SECRET, timeout_seconds: 5}}
route:
  {{name: everything, channels: [soc], {AT_ONCE}, routes: [{{name: cases, match: {{source: [soc.escalations.v1]}}}}]}}
"""


def of_incidents(receiver: Receiver) -> list[Any]:
    """The requests about incidents, in order."""
    return [request for request in receiver.requests if request.body["type"].startswith("incident.")]


async def test_every_kind_of_event_reaches_the_receiver_signed(starting: Starting) -> None:
    """One incident, one escalation, one platform alert: three verified requests, three events on the topic."""
    with receiving(KEY) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(incident(), escalation(), platform_alert())
            published = await notifier.published()
            rows = await notifier.rows()
    assert receiver.forged == 0
    assert sorted(request.body["type"] for request in receiver.requests) == [
        "escalation.raised",
        "incident.firing",
        "platform-alert.firing",
    ]
    assert [row["status"] for row in rows] == ["sent"] * 3
    assert {each.notification_id for each in published} == set(receiver.accepted)
    assert {each.route for each in published} == {"everything", "cases"}
    (body,) = [each for each in receiver.accepted.values() if each["data"]["source_id"] == INCIDENT_ID]
    summary = body["data"]["summary"]
    assert summary.startswith("Too many rejections at all of acme. Incident ")
    assert f"{INCIDENT_ID}, revision 1" in summary


async def test_a_receiver_that_fails_gets_the_same_notification_again(starting: Starting) -> None:
    """Errors, redirects and a dropped connection are all tried again, later, under one id, until it is taken."""
    with receiving(KEY, statuses=[503, 307, 0, 500]) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
            for _ in range(6):
                await notifier.pass_time(3600)
            (row,) = await notifier.rows()
    assert (row["status"], row["attempts"], row["reason"]) == ("sent", 5, None)
    assert [request.status for request in receiver.requests] == [503, 307, 0, 500, 204]
    assert len(receiver.accepted) == len({request.webhook_id for request in receiver.requests}) == 1
    times = [request.timestamp_s for request in receiver.requests]
    assert times == sorted(set(times)), "every attempt is signed with its own time"
    assert len({json.dumps(request.body) for request in receiver.requests}) == 1


async def test_a_later_revision_never_overtakes_one_that_failed(starting: Starting) -> None:
    """A receiver that hears `resolved` before `firing` would page for ever: each thing is told in order, or not."""
    with receiving(KEY, statuses=[503]) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(incident())
            await notifier.tell(incident(revision=2, state="ended", change="ended", until=AT), escalation())
            assert [request.body["data"]["source_revision"] for request in of_incidents(receiver)] == [1]
            assert len(receiver.requests) == 2  # the other thing does not wait
            await notifier.pass_time(3600)
    assert [request.body["data"]["source_revision"] for request in of_incidents(receiver)] == [1, 1, 2]


async def test_a_revision_goes_on_when_the_one_before_it_is_given_up(starting: Starting) -> None:
    """A receiver that never takes the first is still told of the second, once the first has failed for good."""
    with receiving(KEY, statuses=[503] * 5) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(incident())
            await notifier.tell(incident(revision=2, state="ended", change="ended", until=AT))
            for _ in range(8):
                await notifier.pass_time(3600)
            rows = await notifier.rows()
    assert sorted((row["source_revision"], row["status"]) for row in rows) == [(1, "failed"), (2, "sent")]
    assert len(receiver.accepted) == 1


async def test_nothing_is_sent_before_it_is_due(starting: Starting) -> None:
    """A receiver in trouble is left alone for a while."""
    with receiving(KEY, statuses=[503]) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
            await notifier.pass_time(1)
            assert len(receiver.requests) == 1
            await notifier.pass_time(5)
            assert len(receiver.requests) == 2


async def test_a_sender_that_dies_between_sending_and_marking_repeats_the_same_id(
    starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once; a receiver that drops ids it has seen sees exactly one."""

    async def die(*_: Any) -> None:
        raise KeyboardInterrupt

    with receiving(KEY, statuses=[503, 204]) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
            notifier.clock.advance_to(notifier.clock.now_ms() + 10_000)
            with monkeypatch.context() as killed:
                killed.setattr(PostgresQueue, "settle", die)
                with pytest.raises(KeyboardInterrupt):
                    await notifier.sender.step()
            assert [row["status"] for row in await notifier.rows()] == ["pending"]

            successor = notifier.built().parts[-1]
            await successor.start()
            assert await successor.step() == 0, "the claim of the dead sender still holds"
            notifier.clock.advance_to(notifier.clock.now_ms() + CLAIM_MS)
            assert await successor.step() == 1
            await successor.stop()
            assert [row["status"] for row in await notifier.rows()] == ["sent"]
    assert [request.status for request in receiver.requests] == [503, 204, 204]
    assert len(receiver.accepted) == 1
    assert receiver.forged == 0


async def test_senders_share_the_work(starting: Starting) -> None:
    """Four at once: every notification is sent once, by one of them."""
    with receiving(KEY) as receiver:
        async with starting(to(receiver)) as notifier:
            ids = [f"a-{number}" for number in range(200)]
            for each in ids:
                await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(incident(incident_id=each)))
            await notifier.dispatched()
            senders = [notifier.built().parts[-1] for _ in range(4)]
            taken = await asyncio.gather(*(sender.step() for sender in senders))
            for sender in senders:
                await sender.stop()
    assert sum(taken) == len(receiver.requests) == len(receiver.accepted) == 200


async def test_what_another_sender_is_taking_is_passed_over(starting: Starting) -> None:
    """No sender waits for another, and none takes what the other one is about to take."""
    async with starting(LOG_ONLY) as notifier:
        for each in ("a-1", "a-2"):
            await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(incident(incident_id=each)))
        await notifier.dispatched()
        queue, now_ms = PostgresQueue(notifier.pool), notifier.clock.now_ms()
        async with notifier.pool.acquire() as other, other.transaction():
            await other.execute("select 1 from notifier.notifications where source_id = 'a-1' for update")
            taken = await queue.claim(now_ms, now_ms + CLAIM_MS, 10)
        assert [claimed.notification.source_id for claimed in taken] == ["a-2"]
        assert len(await queue.claim(now_ms, now_ms + CLAIM_MS, 10)) == 1


async def test_a_sender_that_is_told_to_stop_finishes_what_it_has_in_hand(starting: Starting) -> None:
    """A shutdown makes no repeats where none are needed."""
    with receiving(KEY) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(incident()))
            await notifier.dispatched()
            with receiver.lock:  # the receiver holds its answer back
                step = asyncio.create_task(notifier.sender.step())
                while not [row for row in await notifier.rows() if row["due_ms"]]:  # noqa: ASYNC110 — what is awaited happens in the database
                    await asyncio.sleep(0.01)
                stop = asyncio.create_task(notifier.sender.stop())
                await asyncio.sleep(0)
            await asyncio.gather(step, stop)
            assert [row["status"] for row in await notifier.rows()] == ["sent"]
    assert len(receiver.requests) == 1


async def test_an_event_told_twice_is_notified_once(starting: Starting) -> None:
    """Published again, or read again by a new owner: no second notification, no second event on the topic."""
    with receiving(KEY) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(incident(), incident(), escalation())
            await notifier.tell(incident(), escalation())
            await notifier.pool.execute("update notifier.fence set position = null")  # read again from the beginning
            notifier.service = notifier.built()
            await notifier.service.start()
            await notifier.settle()
            assert len(await notifier.rows()) == len(await notifier.published()) == 2
            await notifier.service.stop()
    assert len(receiver.requests) == 2


async def test_a_failure_before_the_commit_leaves_no_trace(starting: Starting, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is half kept and nothing sent; the next owner does it, once."""
    add = add_notifications

    async def crash(notifications: Any, tx: Any) -> Any:
        await add(notifications, tx)
        raise RuntimeError("killed")

    async with starting(LOG_ONLY) as notifier:
        with monkeypatch.context() as broken:
            broken.setattr("services.notifier.adapters.groups.add_notifications", crash)
            with pytest.raises(RuntimeError, match="killed"):
                await notifier.tell(incident())
        assert await notifier.rows() == []
        await notifier.settle()
        assert len(await notifier.rows()) == len(await notifier.published()) == 1


async def test_it_is_given_up_loudly(starting: Starting) -> None:
    """After the last attempt the notification is failed, and an error line names it; nothing else is held up."""
    with receiving(KEY, statuses=[500] * 99) as receiver, structlog.testing.capture_logs() as logs:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
            for _ in range(9):
                await notifier.pass_time(3600)
            (row,) = await notifier.rows()
    assert len(receiver.requests) == 5
    assert (row["status"], row["attempts"], row["reason"]) == ("failed", 5, "HTTP 500")
    (line,) = [line for line in logs if line["event"] == "notification_failed"]
    assert (line["log_level"], line["notification_id"], line["attempts"]) == ("error", row["notification_id"], 5)


async def test_nobody_listening_and_a_slow_receiver_are_failures_like_others(starting: Starting) -> None:
    """No connection, or no answer in time: noted by kind, tried again."""
    silent = socket.create_server(("127.0.0.1", 0))  # connections queue up, nobody accepts them
    slow = silent.getsockname()[1]
    with receiving(KEY) as receiver:
        gone = receiver.server_port
    template = (
        "{{kind: webhook, url: 'http://127.0.0.1:{}', private: true, secret_env: SOC_SECRET, timeout_seconds: 0.2}}"
    )
    routes = f"""
channels:
  gone: {template.format(gone)}
  slow: {template.format(slow)}
route:
  name: all
  channels: [log]
  routes:
    - {{name: both, match: {{source: [soc.escalations.v1]}}, channels: [gone, slow], {AT_ONCE}}}
"""
    async with starting(routes) as notifier:
        await notifier.tell(escalation())
        reasons = {row["channel"]: row["reason"] for row in await notifier.rows()}
    silent.close()
    assert reasons["gone"] == "ConnectError"
    assert reasons["slow"] in ("ReadTimeout", "TimeoutError")


async def test_a_channel_that_left_the_routes_fails_and_holds_nothing_up(starting: Starting) -> None:
    """Pending notifications to it are given up in time; others go out."""
    with receiving(KEY, statuses=[503]) as receiver:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
        async with starting(LOG_ONLY) as later:
            later.clock.advance_to(later.clock.now_ms() + 3_600_000)
            await later.tell(incident())
            assert [(row["channel"], row["status"], row["reason"]) for row in await later.rows()] == [
                ("soc", "pending", "the channel is not configured"),
                ("log", "sent", None),
            ]


async def test_a_log_file_gets_one_line_for_each_notification(starting: Starting, tmp_path: Path) -> None:
    """Readable as events, in the order of their causes."""
    file = tmp_path / "notifications.jsonl"
    routes = f"channels: {{log: {{kind: log, path: '{file}'}}}}\n{LOG_ONLY}"
    with structlog.testing.capture_logs() as logs:
        async with starting(routes) as notifier:
            await notifier.tell(incident(), platform_alert())
    told = [codec.NOTIFICATION.decode(line.encode()) for line in file.read_text().splitlines()]
    assert [each.created_at for each in told] == sorted(each.created_at for each in told)
    assert len(told) == len([line for line in logs if line["event"] == "notification"]) == 2


async def test_what_is_no_news_is_not_told(starting: Starting) -> None:
    """New numbers, weak evidence and what merged make neither notification nor event."""
    async with starting(LOG_ONLY) as notifier:
        weak = incident(change="changed", evidence="weak", severity="low")
        await notifier.tell(weak, incident(change="changed", revision=2), incident(change="merged", state="merged"))
        assert await notifier.rows() == []
        assert await notifier.published() == []


async def test_what_cannot_be_read_goes_to_the_dead_letters(starting: Starting) -> None:
    """Bad records stop nothing; their reason is readable."""
    early = msgspec.json.encode(platform_alert()).replace(b"2026-01-01T00:00:00Z", b"0001-01-01T00:00:00+14:00")
    async with starting(LOG_ONLY) as notifier:
        await notifier.publish(topics.INCIDENTS, "acme", b"{")
        for bad in (incident(incident_id="a\0"), incident(incident_id=""), incident(revision=2**63)):
            await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(bad))
        await notifier.publish(topics.PLATFORM_ALERTS, "scorer", early)
        await notifier.tell(incident(), platform_alert())
        assert [row["status"] for row in await notifier.rows()] == ["sent", "sent"]
        letters = [read_dead_letter(each) for each in await notifier.records(f"{topics.INCIDENTS}.dlq")]
        assert [letter.reason for letter in letters] == ["malformed", *["schema_mismatch"] * 3]
        assert {letter.stage for letter in letters} == {"notifier"}
        assert len(await notifier.records(f"{topics.PLATFORM_ALERTS}.dlq")) == 1


async def test_neither_secrets_nor_urls_are_kept_or_logged(starting: Starting, caplog: Any) -> None:
    """Not in tables, not in events, not in log lines, not when it fails."""
    caplog.set_level("DEBUG")
    with receiving(KEY, statuses=[500]) as receiver, structlog.testing.capture_logs() as logs:
        async with starting(to(receiver)) as notifier:
            await notifier.tell(escalation())
            await notifier.pass_time(3600)
            kept = repr(await notifier.rows()) + repr(await notifier.published())
    assert len(receiver.accepted) == 1
    said = kept + repr(logs) + "".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    for private in (SECRET, SECRET.removeprefix("whsec_"), "token=zq9x", str(escalation().subject_tag)):
        assert private not in said


async def test_a_running_sender_outlives_a_database_that_is_away(
    starting: Starting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits, says so, is not ready meanwhile, and goes on."""
    claim, away, seen = PostgresQueue.claim, [True], []

    async def flaky(self: PostgresQueue, now_ms: int, until_ms: int, limit: int) -> Any:
        seen.append(list(notifier.sender.unready()))
        if away[0]:
            raise DatabaseAway("PostgreSQL is away")
        return await claim(self, now_ms, until_ms, limit)

    monkeypatch.setattr(PostgresQueue, "claim", flaky)
    notifier: Notifier
    async with starting(LOG_ONLY) as notifier:
        await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(incident()))
        run = asyncio.create_task(notifier.service.run())
        async with asyncio.timeout(30):
            while len(seen) < 3:  # noqa: ASYNC110 — what is awaited happens in another task
                await asyncio.sleep(0.01)
            assert seen[1:] == [["PostgreSQL is away"]] * len(seen[1:])
            away[0] = False
            while [row["status"] for row in await notifier.rows()] != ["sent"]:  # noqa: ASYNC110 — as above
                await asyncio.sleep(0.01)
            while notifier.sender.unready():  # noqa: ASYNC110 — the row is marked a moment before the round ends
                await asyncio.sleep(0.01)
        await notifier.service.stop()
        await asyncio.wait([run], timeout=10)
    assert run.done()


async def test_what_was_sent_long_ago_is_removed_and_added_up(starting: Starting) -> None:
    """Settled ones go after the time they are kept, a bounded number at once; pending ones stay however old."""
    async with starting(LOG_ONLY) as notifier:
        for n in range(5):
            event = msgspec.structs.replace(incident(), incident_id=derived_id("kept", str(n)))
            await notifier.publish(topics.INCIDENTS, "acme", msgspec.json.encode(event))
        await notifier.settle()
        ids = [row["notification_id"] for row in await notifier.rows()]
        await notifier.pool.execute(
            "update notifier.notifications set status = 'pending', settled_ms = null where notification_id = $1", ids[0]
        )
        queue = PostgresQueue(notifier.pool)
        assert [await queue.forget(2**53, 3), await queue.forget(2**53, 3), await queue.forget(2**53, 3)] == [3, 1, 0]
        assert [row["notification_id"] for row in await notifier.rows()] == [ids[0]]
        assert await notifier.pool.fetchval("select sum(rows) from notifier.removed") == 4


async def test_a_broken_glass_and_its_end_reach_whoever_is_told_of_the_platform(starting: Starting) -> None:
    """As the broker of imagery publishes them: once each, the end behind the beginning; nobody is named."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    with receiving(KEY) as receiver:
        async with starting(to(receiver)) as notifier:
            for alert in (broken(OPEN, at), broken(OPEN, at), whole(OPEN, at)):
                await notifier.bus.publish([alert])
                await notifier.settle()
    told = [request.body for request in receiver.requests]
    assert [each["type"] for each in told] == ["platform-alert.firing", "platform-alert.resolved"]
    assert "had its glass broken" in told[0]["data"]["title"]
    assert "30" in told[0]["data"]["summary"]
    assert "has its glass whole again" in told[1]["data"]["title"]
    assert "cleo" not in repr(told)
