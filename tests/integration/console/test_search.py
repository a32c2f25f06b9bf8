"""Somebody looks for a case: by the API, by a page, and by keys in a real browser."""

import re
from html import unescape

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_shift import clean, signed_in, typed, until
from tests.support.axe import hindrances
from tests.support.devtools import Browser


def rows(page: str) -> list[str]:
    return re.findall(r'<tr id="case-([^"]+)">', page)


async def test_cases_are_found_over_http(console: Console) -> None:
    """By a text, closed ones with `state=all`; narrowed by tenant, kind and severity; pages keep what was asked."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    cases = [await console.case(severity=each) for each in ("high", "medium", "medium")]
    await console.pool.execute("update triage.cases set state = 'closed' where case_id = $1", cases[2])

    async def found(asked: str) -> list[str]:
        answer = await ada.get(f"/v1/cases?{asked}")
        assert answer.status_code == 200, answer.text
        return [each["case_id"] for each in answer.json()["cases"]]

    assert await found("find=t-1") == [cases[0]]
    assert await found(f"find=%20{cases[1][:8]}%20") == [cases[1]], "blanks around it are of who copied it"
    assert (await found("find=t-3"), await found("find=t-3&state=all")) == ([], [cases[2]])
    assert await found(f"find={cases[1].upper()}") == [cases[1]], "somebody typed it in capitals"
    assert (await found("severity=medium"), await found("severity=low")) == ([cases[1]], [])
    assert await found("kind=incident") == await found("tenant=other") == []
    first = (await ada.get("/v1/cases?tenant=acme&limit=1")).json()
    assert await found(f"tenant=acme&limit=1&cursor={first['next']}") == [cases[1]]
    for wrong in ("find=a%00b", "kind=person", "severity=grave", f"find={'a' * 129}", "tenant=%0A"):
        assert problem(await ada.get(f"/v1/cases?{wrong}")) == (422, "malformed"), wrong


async def test_the_queue_has_a_search_that_its_links_keep(console: Console) -> None:
    """Who looks for one case gets it also where it is closed; nothing found is a sentence of what would be right."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    cases = [await console.case() for _ in range(3)]
    await console.pool.execute("update triage.cases set state = 'closed' where case_id = $1", cases[1])
    page = (await ada.get("/queue?find=t-2&tenant=&task=&severity=")).text
    assert rows(page) == [cases[1]]
    assert re.findall(r'<a href="([^"]+)" aria-current="page">All</a>', page) == ["/queue?find=t-2&amp;show=all"]
    page = (await ada.get("/queue?tenant=acme&rows=1")).text
    assert 'name="tenant" value="acme"' in page
    [further] = re.findall(r'<a href="([^"]+)" rel="next">', page)
    page = (await ada.get(unescape(further))).text
    assert rows(page) == [cases[2]]
    page = (await ada.get('/queue?find="><script>')).text
    assert "No case that is there for you is like that" in page
    assert "<script>" not in page.split("</head>")[1]


@pytest.mark.timeout(300)
async def test_a_case_is_found_by_keys(console: Console) -> None:
    """From any page `/` leads into the field; what was found is one row away."""
    await console.add("ada", Role.ANALYST)
    cases = [await console.case() for _ in range(3)]
    async with Browser() as browser:
        await signed_in(browser, console, "ada", "/approvals")
        await browser.press("/")
        await until(browser, "location.pathname === '/queue' && document.activeElement.id === 'find'")
        await typed(browser, "t-2")
        await until(browser, "location.search.includes('find=t-2')")
        assert await browser.value("document.querySelectorAll('a.row').length") == 1
        assert await hindrances(browser) == []
        await browser.press("j")
        await browser.press("Enter")
        await until(browser, f"location.pathname === '/cases/{cases[1]}'")
        clean(browser, console)
