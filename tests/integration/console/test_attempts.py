"""Attempts beside a case: as JSON by pages, and on the page of the case, drawn and as a table."""

from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_shift import clean, signed_in, until
from tests.integration.triage.test_attempts import judge, verdict
from tests.support.axe import hindrances
from tests.support.devtools import Browser
from tests.unit.triage.events import AT, suspicion

HANDSET: Final = {"ref": "d-1", "model": "A-1801", "os": "android"}


async def tried(console: Console, failures: int) -> str:
    """A case of somebody who failed and was then accepted, on a handset on which another failed; return its id."""
    mine = [verdict(n, device=HANDSET) for n in range(failures)]
    await judge(console.triage, *mine, verdict(failures, "accept", device=HANDSET))
    other = AT + timedelta(minutes=failures, seconds=-30)
    await judge(console.triage, verdict(900, subject_ref="s-2", device=HANDSET, occurred_at=other))
    await console.triage.tell(suspicion(2))
    return str(await console.pool.fetchval("select case_id from triage.cases"))


async def test_attempts_are_read_a_page_at_a_time(console: Console) -> None:
    """The case has the newest, with how many there are; the cursor goes on; one of ours alone is taken."""
    await console.person("ada", Role.ANALYST)
    case = await tried(console, 60)
    ada, path = console.client("ada"), f"/v1/cases/{case}/attempts"
    whole = (await ada.get(f"/v1/cases/{case}")).json()["timeline"]
    assert (len(whole["attempts"]), whole["total"], whole["of_people"], whole["accepted"]) == (50, 62, 61, 1)
    first = (await ada.get(f"{path}?limit=50")).json()
    assert first == whole
    newest = first["attempts"][0]
    assert (newest["decision"], newest["failed_before"], newest["by"]) == ("accept", 60, "person")
    assert (first["attempts"][1]["by"], first["attempts"][1]["words"]) == ("device", "on the same handset")
    rest = (await ada.get(f"{path}?cursor={first['next']}")).json()
    assert (len(rest["attempts"]), rest["next"]) == (12, None)
    names = [each["transaction_id"] for each in (*first["attempts"], *rest["attempts"])]
    assert len(set(names)) == 62
    assert not {"s-1", "s-2", "d-1"} & set(str(first).replace("'", " ").split())
    for cursor in ("x", "W10", "WzEsMiwzXQ"):
        assert problem(await ada.get(f"{path}?cursor={cursor}")) == (422, "bad_cursor")


async def test_the_page_of_a_case_draws_them_and_has_their_table(console: Console) -> None:
    """What was accepted after failures stands out; every chart has its table; older ones are a page away."""
    await console.person("ada", Role.ANALYST)
    case = await tried(console, 60)
    page = (await console.client("ada").get(f"/cases/{case}")).text
    assert "62 attempts of 2 people; 1 accepted. 1 of them are of others" in page
    assert '<span class="mark high">Accepted after 60 that were not</span>' in page
    assert page.count('<circle class="failed"') == 49
    assert page.count('<path class="late"') == 1
    assert page.count('data-head="What came of it"') == 50
    assert "Not taken for a living person; asked for another selfie." in page
    older = page.partition(f'href="/cases/{case}/attempts?')[2].partition('"')[0].replace("&amp;", "&")
    more = await console.client("ada").get(f"/cases/{case}/attempts?{older}")
    assert (more.status_code, more.text.count('data-head="What came of it"')) == (200, 12)


async def test_a_case_without_attempts_says_so(console: Console) -> None:
    """And draws nothing."""
    await console.person("ada", Role.ANALYST)
    case = await console.case()
    page = (await console.client("ada").get(f"/cases/{case}")).text
    assert "No attempt of its people is kept" in page
    assert '<div class="timeline">' not in page


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "height", "scheme"), [(360, 740, "light"), (1440, 900, "dark")])
async def test_drawing_and_table_fit_and_hinder_nobody(
    console: Console, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    """At the width of a telephone and of a desk; by the rules of WCAG 2.2 AA that axe can judge; on either page."""
    await console.add("ada", Role.ANALYST)
    case = await tried(console, 55)
    async with Browser(width, height) as browser:
        await browser.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        await browser.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await signed_in(browser, console, "ada")
        for name, path in (("case", f"/cases/{case}"), ("attempts", f"/cases/{case}/attempts")):
            await browser.open(f"{console.origin}{path}")
            await until(browser, "document.querySelector('.timeline svg') !== null")
            assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), name
            assert await hindrances(browser) == [], name
            await browser.value("document.querySelector('.timeline').scrollIntoView(), 1")
            await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        clean(browser, console)
