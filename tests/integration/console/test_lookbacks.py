"""Pattern work in the browser, by keyboard alone: from a case's shared traits over a preview to a hunt, and its end."""

from pathlib import Path
from typing import Any, Final

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_research import tabbed
from tests.integration.console.test_shift import clean, signed_in, told, typed, until
from tests.integration.console.upstreaming import traffic, working
from tests.integration.triage.test_clusters import on, settle
from tests.support.axe import hindrances
from tests.support.devtools import Browser

_OF_MOST: Final = """
select w.case_id from triage.cases w join triage.cases p on p.part_of = w.case_id
where w.kind = 'cluster' group by 1 order by count(*) desc, 1 limit 1"""


@pytest.fixture
async def farm(console: Console) -> str:
    """A novel cluster of one handset model, which Rita works on; honest traffic, and more of the farm than was seen."""
    await console.person("rita", Role.RESEARCHER)
    await console.person("abe", Role.APPROVER)
    await console.triage.tell(*[on(each, model="A-1801") for each in range(1, 6)])
    await settle(console.triage)
    case = str(await console.pool.fetchval(_OF_MOST))
    await console.pool.execute("update triage.cases set queue = 'research', stage = 'novel' where case_id = $1", case)
    await console.desk.do("take", case, console.tokens["rita"], console.now)
    await console.pool.execute("update triage.cases set stage = 'novel' where case_id = $1", case)
    await traffic(console)
    return case


@pytest.mark.timeout(600)
async def test_a_pattern_from_a_case_to_a_hunt_by_keyboard_alone(console: Console, farm: str, tmp_path: Path) -> None:
    """No JSON is typed; what would have matched stands beside the draft; four earlier ones are opened, three fresh."""
    async with Browser(1280, 1000) as browser, working(console):
        await signed_in(browser, console, "rita", f"/cases/{farm}")
        await browser.press("N")
        await until(browser, "document.querySelector('[name=\"value-0\"]')?.value === 'A-1801'")
        assert await browser.value("document.querySelector('[name=\"field-0\"]').value") == "device.model"
        assert "5 of 5" in await browser.value("document.querySelector('main').textContent")
        assert await browser.value("document.activeElement.id") == "traits"
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / "traits.png")
        for field, text in (("pattern_id", "farm-a-1801"), ("description", "A farm on one handset model")):
            await tabbed(browser, f'[name="{field}"]')
            await browser.type(text)
        await tabbed(browser, '[formaction="/patterns/look"]')
        await browser.press("Enter")
        await until(browser, "document.querySelector('svg.bars') !== null")
        said = await browser.value("document.querySelector('main').textContent")
        assert "of 38 transactions match" in said
        assert await browser.value("document.querySelector('[name=pattern_id]').value") == "farm-a-1801"
        assert await browser.value("document.activeElement.id") == "preview"
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / "preview.png")
        await tabbed(browser, 'form[action="/patterns"] button.main')
        await browser.press("Enter")
        await told(browser, "The draft is kept")
        await browser.press("p")
        await typed(browser, "of the case of today")
        await told(browser, "It is proposed")
        clean(browser, console)
    async with Browser() as browser, working(console):
        await signed_in(browser, console, "abe", "/patterns/farm-a-1801")
        await browser.press("L")
        await browser.press("Enter")
        await until(browser, "document.querySelector('svg.bars') !== null")
        assert await browser.value("document.querySelector('#hunt-most') === null"), (
            "who only approves hunts for nothing"
        )
        await browser.press("a")
        await typed(browser, "three of them nobody had seen")
        await told(browser, "That is agreed")
        clean(browser, console)
    async with Browser() as browser, working(console):
        await signed_in(browser, console, "rita", "/patterns/farm-a-1801")
        await browser.press("U")
        await browser.press("Tab")
        await browser.type("50")
        await browser.press("Enter")
        await until(browser, "document.querySelector('.hunts')?.textContent.includes('opened for review') ?? false")
        await browser.screenshot(tmp_path / "hunt.png")
        assert await hindrances(browser) == []
        clean(browser, console)
    rows = await console.pool.fetch(
        "select distinct transaction_id from triage.case_reasons where code = 'attack_pattern.farm-a-1801'"
    )
    assert {f"tx-{n}" for n in (50, 51, 52)} <= {row[0] for row in rows}


async def test_a_draft_says_what_is_wrong_and_keeps_what_was_written(console: Console, farm: str) -> None:
    """At the row where it is; a form that is sent twice asks once."""
    rita: Any = console.client("rita")
    wrong = await rita.form("/patterns/look", pattern_id="x", **{"field-0": "timings.capture_ms", "value-0": "slow"})
    assert wrong.status_code == 422
    assert "a number such as 0.25" in wrong.text
    assert 'value="slow" aria-describedby="refused"' in wrong.text
    sent = {"field-0": "device.os", "op-0": "eq", "value-0": "android", "key": "k", "description": "<b>"}
    first, again = [await rita.form("/patterns/look", **sent) for _ in range(2)]
    assert first.headers["location"] == again.headers["location"]
    assert await console.pool.fetchval("select count(*) from triage.lookbacks") == 1
    page = await rita.get(first.headers["location"])
    assert "&lt;b&gt;" in page.text
    assert (await console.client("abe").get(first.headers["location"])).status_code == 404


async def test_over_http_it_is_asked_once_and_told_to_who_may_see_it(console: Console, farm: str) -> None:
    """What fits together is said; a hunt is for researchers, of what two agreed to."""
    rita, abe = console.client("rita"), console.client("abe")
    os = {"field": "device.os", "op": "eq", "value": "android"}
    for body in (
        {"kind": "preview"},
        {"kind": "preview", "pattern_id": "x", "predicate": os},
        {"kind": "hunt", "predicate": os},
        {"kind": "traits", "pattern_id": "x"},
        {"kind": "preview", "predicate": {"field": "subject_ref", "op": "eq", "value": "x"}},
    ):
        assert (await rita.post("/v1/lookbacks", body, idempotency_key="k")).status_code == 422, body
    given = {"kind": "preview", "predicate": os, "days": 3}
    assert (await rita.post("/v1/lookbacks", given)).status_code == 422
    asked = await rita.post("/v1/lookbacks", given, idempotency_key="k")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    where = f"/v1/lookbacks/{asked.json()['lookback_id']}"
    await console.triage.service.step(idle=True)
    done = (await rita.get(where)).json()
    assert (done["state"], done["matched"]) == ("done", 38)
    assert (await abe.get(where)).json()["code"] == "no_such_lookback"
    hunt = {"kind": "hunt", "pattern_id": "no-such"}
    assert (await abe.post("/v1/lookbacks", hunt, idempotency_key="h")).json()["code"] == "role_missing"
    assert (await rita.post("/v1/lookbacks", hunt, idempotency_key="h")).json()["code"] == "no_such_pattern"
