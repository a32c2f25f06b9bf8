"""The pages of attack patterns: drafted from a novel case, agreed to by another, by keyboard, in a real browser."""

from pathlib import Path

import httpx
import msgspec
import pytest

from proofwatch.access.roles import Role
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from services.console.pages.patterns import bars
from services.triage.api.pattern_bodies import DayOfHits
from tests.integration.console.house import Console
from tests.integration.console.test_research import tabbed
from tests.integration.console.test_shift import clean, signed_in, told, typed, until
from tests.integration.triage.test_pattern_hits import hit
from tests.support.axe import hindrances
from tests.support.devtools import Browser

OS = {"field": "device.os", "op": "eq", "value": "android"}
SAID = {"pattern_id": "emulators", "description": "Emulators of one build", "severity": "high", "predicate": OS}


async def novel_case(console: Console, to: str) -> str:
    """A case that was found to be novel, and that a researcher works on."""
    case = await console.case()
    await console.pool.execute("update triage.cases set queue = 'research', stage = 'novel' where case_id = $1", case)
    await console.desk.do("take", case, console.tokens[to], console.now)
    await console.pool.execute("update triage.cases set stage = 'novel' where case_id = $1", case)
    return case


async def matched(console: Console, count: int, mode: str, **fields: object) -> None:
    """Let the scorer tell of matches."""
    for number in range(count):
        value = msgspec.json.encode(hit(number, mode, occurred_at=console.now, **fields))
        tenant = str(fields.get("tenant", "acme"))
        await console.triage.bus.publish([Outgoing(topics.PATTERN_HITS, f"{tenant}/s-{number}".encode(), value)])
    await console.triage.settle()


@pytest.fixture
async def people(console: Console) -> Console:
    """Rita researches, Abe approves, Olga researches for another tenant."""
    await console.person("rita", Role.RESEARCHER)
    await console.person("abe", Role.APPROVER)
    await console.person("olga", Role.RESEARCHER, tenants=("other",))
    return console


def told_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("code", "")


async def test_over_http_two_people_bring_a_pattern_live(people: Console) -> None:
    """Each deed with its reason; what is wrong says where."""
    case = await novel_case(people, "rita")
    rita, abe = people.client("rita"), people.client("abe")
    wrong = await rita.post("/v1/patterns", SAID | {"predicate": {"field": "subject_ref", "op": "eq", "value": "x"}})
    assert told_of(wrong) == (422, "malformed")
    assert "subject_ref" in wrong.json()["detail"]
    assert told_of(await rita.post("/v1/patterns", SAID)) == (404, "no_such_case")
    drafted = await rita.post("/v1/patterns", SAID | {"case_id": case})
    assert (drafted.json()["state"], drafted.json()["words"]) == ("draft", "device.os is “android”")
    assert told_of(await rita.post("/v1/patterns/emulators/propose", {})) == (422, "malformed")
    await rita.post("/v1/patterns/emulators/propose", {"reason": "as in May"})
    assert told_of(await rita.post("/v1/patterns/emulators/approve", {"reason": "mine"})) == (403, "role_missing")
    agreed = await abe.post("/v1/patterns/emulators/approve", {"reason": "yes"})
    assert (agreed.json()["state"], agreed.json()["revision"], agreed.json()["deeds"]) == ("shadow", 1, ["withdraw"])
    assert told_of(await abe.post("/v1/patterns/emulators/approve", {"reason": "yes"})) == (409, "not_at_this_stage")
    assert told_of(await abe.get("/v1/patterns/no-such")) == (404, "no_such_pattern")
    assert told_of(await abe.get("/v1/patterns/No%20such")) == (404, "no_such_pattern")


async def test_everybody_sees_what_was_matched_of_their_tenants(people: Console) -> None:
    """The pattern is the platform's; counts, days and the case that it came from are a tenant's."""
    case = await novel_case(people, "rita")
    await people.client("rita").post("/v1/patterns", SAID | {"case_id": case})
    await matched(people, 3, "shadow")
    await matched(people, 2, "shadow", tenant="other")
    for name, hits, whence in (("rita", 5, case), ("olga", 2, None)):
        found = (await people.client(name).get("/v1/patterns/emulators")).json()
        assert [(each["mode"], each["hits"]) for each in found["matched"]] == [("shadow", hits)]
        assert [each["hits"] for each in found["days"]] == [hits]
        assert found["case_id"] == whence
    assert case not in (await people.client("olga").get("/patterns/emulators")).text


def test_a_bar_for_each_day_and_the_highest_is_as_high_as_the_chart() -> None:
    """Also of days on which nothing was matched."""
    today = hit(1).occurred_at.date()
    made = bars(
        [
            DayOfHits(day=today, mode="live", hits=1, accepted=1),
            DayOfHits(day=today, mode="shadow", hits=3, accepted=0),
        ],
        today,
    )
    assert len(made) == 28
    assert (made[-1].live, made[-1].shadow, made[-1].accepted) == (10.0, 30.0, 1)
    assert {each.live + each.shadow for each in made[:-1]} == {0.0}


@pytest.mark.timeout(600)
async def test_from_a_case_to_shadow_by_keyboard_alone(people: Console, tmp_path: Path) -> None:
    """A researcher drafts and proposes, an approver agrees; axe finds nothing on any of the pages."""
    case = await novel_case(people, "rita")
    async with Browser() as browser:
        await signed_in(browser, people, "rita", f"/cases/{case}")
        await browser.press("N")
        await until(browser, "document.activeElement?.id === 'traits'")
        for field, text in (
            ("pattern_id", "emulators"),
            ("description", "Emulators of one build"),
            ("species", "virtual_camera"),
            ("value-0", "android"),
        ):
            await tabbed(browser, f'[name="{field}"]')
            await browser.type(text)
        await browser.value("document.querySelector('[name=\"field-0\"]').value = 'device.os'")
        assert await hindrances(browser) == []
        await tabbed(browser, 'form[action="/patterns"] button.main')
        await browser.press("Enter")
        await told(browser, "The draft is kept")
        await browser.press("p")
        await typed(browser, "seen in May")
        await told(browser, "It is proposed")
        clean(browser, people)
    await matched(people, 7, "shadow")
    await matched(people, 2, "live")
    async with Browser() as browser:
        await signed_in(browser, people, "abe", "/patterns")
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / "patterns.png")
        await browser.open(f"{people.origin}/patterns/emulators")
        await until(browser, "document.querySelector('svg.bars') !== null")
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / "pattern.png")
        await browser.press("a")
        await typed(browser, "it is the one of May")
        await told(browser, "That is agreed")
        await browser.press("P")
        await until(browser, "location.pathname === '/patterns'")
        clean(browser, people)
    assert await people.pool.fetchval("select state from triage.patterns") == "shadow"
