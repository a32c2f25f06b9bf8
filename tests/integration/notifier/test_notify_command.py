"""`proofwatch notify`, as people type it, on what a real notifier has told."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from proofwatch.audit.entry import Entry, entry_of
from services.cli import main
from tests.integration.notifier.conftest import Notifier, Starting
from tests.unit.notifier.events import AT, INCIDENT_ID, incident, platform_alert

FILE = "route: {name: all, channels: [log], group_by: ['...'], group_wait: 0s, group_interval: 5m, repeat_interval: 1h}"
Typing = Callable[..., Any]


@pytest.fixture
def typed(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typing:
    """Type a command; its code and what it said."""
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)

    async def run(*words: str) -> tuple[int, str]:
        who = ["--by", "r.mehta", "--reason", "ticket 4711"]
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["notify", *words, *who])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


async def entries(notifier: Notifier) -> list[Entry]:
    rows = await notifier.pool.fetch("select entry from audit.pending order by pending_id")
    return [entry_of(row["entry"]) for row in rows]


async def at_now(notifier: Notifier) -> None:
    """Commands are of the clock on the wall: let the notifier's be so too."""
    notifier.clock.advance_to(round(time.time() * 1000))
    notifier.settings = notifier.settings.model_copy(update={"backfill_hours": 8760.0})
    await notifier.restart()


async def test_a_silence_from_its_beginning_to_its_end(starting: Starting, typed: Typing) -> None:
    """It says what it covers, holds back what begins, is listed, and is ended early by how its id begins."""
    async with starting(FILE) as notifier:
        await at_now(notifier)
        await notifier.tell(platform_alert())
        code, said = await typed("silence", "kind=lag", "service=~scorer|ledger", "--for", "2h")
        assert code == 0, said
        assert "1 of what fires now is covered" in said
        silence_id = said.split()[1]
        code, said = await typed("silences")
        assert silence_id in said
        assert 'kind="lag"' in said
        assert "ticket 4711" in said
        other = platform_alert(alert_id="5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0009")
        await notifier.pass_time(1)
        await notifier.tell(other)
        assert len(await notifier.published()) == 1
        code, said = await typed("explain", other.alert_id)
        assert "silenced: not told: a silence covers it" in said
        assert silence_id in said
        code, said = await typed("expire", silence_id[:8])
        assert code == 0, said
        await notifier.pass_time(301)
        assert len(await notifier.published()) == 2
        code, said = await typed("silences")
        assert said == "no silence holds, and none is to begin\n"
        assert "ended" in (await typed("silences", "--all"))[1]
        acts = [each for each in await entries(notifier) if each.action.startswith("notifications.")]
        assert [each.action for each in acts] == ["notifications.silenced", "notifications.silence_ended"]
        assert {each.actor.id for each in acts} == {"r.mehta"}
        assert {each.reason for each in acts} == {"ticket 4711"}


async def test_what_was_told_is_listed_acknowledged_and_explained(starting: Starting, typed: Typing) -> None:
    """Who takes care is seen, repeats stop, and the end is told."""
    async with starting(FILE) as notifier:
        await at_now(notifier)
        await notifier.tell(incident())
        assert f"incident/{INCIDENT_ID}" in (await typed("list"))[1]
        code, said = await typed("ack", INCIDENT_ID)
        assert code == 0, said
        assert said.startswith("r.mehta takes care of what was told on 1 channel:")
        assert "r.mehta takes care of it" in (await typed("list"))[1]
        await notifier.pass_time(3 * 3600)
        assert len(await notifier.published()) == 1, "nothing is repeated"
        await notifier.tell(incident(state="ended", change="ended", revision=2, until=AT))
        code, said = await typed("explain", INCIDENT_ID, "--json")
        assert [each["reason"] for each in json.loads(said)] == ["sent", "acknowledged", "sent"]
        (first, second) = await notifier.published()
        assert (await typed("explain", first.notification_id))[1].count("sent: told") == 2
        assert second.state == "resolved"
        assert (await typed("list"))[1] == "nobody was told of anything that fires\n"


async def test_of_one_tenant_nothing_of_others_is_there(starting: Starting, typed: Typing) -> None:
    """Neither listed, nor explained, nor acknowledged, nor silenced."""
    async with starting(FILE) as notifier:
        await at_now(notifier)
        await notifier.tell(incident())
        assert (await typed("list", "--tenant", "other"))[1] == "nobody was told of anything that fires\n"
        assert (await typed("ack", INCIDENT_ID, "--tenant", "other"))[0] == 2
        assert (await typed("explain", INCIDENT_ID, "--tenant", "other"))[0] == 2
        _, said = await typed("silence", "source=incident", "--for", "1h", "--tenant", "other")
        assert "nothing that fires now is covered" in said
        assert 'tenant="other"' in said
        assert (await typed("ack", INCIDENT_ID, "--tenant", "acme"))[0] == 0


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("explain", "no-such"), "nothing that can be told has the id"),
        (("ack", "no-such"), "nobody was told that 'no-such' fires"),
        (("expire", "no-such"), "no silence that holds has an id that begins with 'no-such'"),
    ],
)
async def test_what_is_not_there_is_said_with_where_to_look(
    starting: Starting, typed: Typing, words: tuple[str, ...], says: str
) -> None:
    """Exit code 2, one line."""
    async with starting(FILE):
        code, said = await typed(*words)
    assert code == 2
    assert says in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("silence", "kind", "--for", "2h"), "is no condition on a label"),
        (("silence", "kind=lag", "--for", "soon"), "is no span of time"),
        (("silence", "kind=lag", "--for", "90d"), "1s to 30d"),
        (("silence", "kind=~(", "--for", "1h"), "is no regular expression"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_asked(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str
) -> None:
    """By the option, with what would be right."""
    with pytest.raises(SystemExit) as ended:
        main(["notify", *words, "--by", "r.mehta", "--reason", "ticket"])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
