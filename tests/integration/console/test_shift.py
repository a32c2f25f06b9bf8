"""A shift in a real browser, without a mouse: every page in it breaks no policy and loads nothing from elsewhere."""

from pathlib import Path
from typing import Final

import pytest

from proofwatch.access.roles import Role
from tests.integration.access.house import PASSWORD
from tests.integration.console.house import Console
from tests.support.axe import hindrances
from tests.support.devtools import Browser

_H1: Final = "document.querySelector('h1').textContent"
_SELECTED: Final = "document.activeElement.closest('tr')?.id ?? ''"


async def typed(browser: Browser, *texts: str) -> None:
    """Type into one field after the other, from where the focus is, and press Enter."""
    for at, text in enumerate(texts):
        if at:
            await browser.press("Tab")
        await browser.type(text)
    await browser.press("Enter")


async def until(browser: Browser, holds: str) -> None:
    """Wait until a page is whole, with its script, and this holds in it."""
    await browser.until(f"document.readyState === 'complete' && ({holds})")


async def told(browser: Browser, text: str) -> None:
    """Wait until a page says this of what was done, with the focus at its head: it is never lost."""
    said = f"(document.getElementById('told')?.textContent ?? '').includes('{text}')"
    await until(browser, f"{said} && document.activeElement?.id === 'top'")


async def signed_in(browser: Browser, console: Console, name: str, path: str = "/queue") -> None:
    """Open a page, be led to the sign-in, and from there to the page."""
    console.later(seconds=30)
    await browser.open(f"{console.origin}{path}")
    await until(browser, "document.activeElement?.name === 'name'")
    await typed(browser, name, PASSWORD, console.code(name))
    await until(browser, f"location.pathname === '{path}'")


def clean(browser: Browser, console: Console) -> None:
    """No policy was broken, nothing failed, and nothing was asked of anybody else."""
    assert browser.complaints == []
    assert all(each.startswith(f"{console.origin}/") for each in browser.requests), browser.requests


@pytest.mark.timeout(600)
async def test_a_shift_by_keyboard_alone(console: Console) -> None:
    """From signing in over taking to closing with a reason; then the next one, which is referred."""
    await console.add("ada", Role.ANALYST)
    cases = [await console.case(severity=each) for each in ("medium", "high", "medium")]
    async with Browser() as browser:
        await signed_in(browser, console, "ada")
        await browser.press("j")
        assert await browser.value(_SELECTED) == f"case-{cases[1]}", "grave first"
        await browser.press("j")
        await browser.press("k")
        await browser.press("k")
        assert await browser.value(_SELECTED) == f"case-{cases[1]}"
        await browser.press("Enter")
        await until(browser, f"location.pathname === '/cases/{cases[1]}'")
        assert await browser.value(_H1) == "Liveness fails again and again"
        assert "score 0.41" in await browser.value("document.querySelector('.reasons').textContent")
        assert await browser.value("[...document.links].some((a) => a.href.startsWith('https://imagery.example/#'))")
        await browser.press("t")
        await told(browser, "It is yours")
        await browser.press("c")
        assert await browser.value("document.activeElement.id") == "close-reason"
        await typed(browser, "the same artefact as in May")
        await told(browser, "It is closed")
        await browser.press("n")
        await told(browser, "oldest")
        await browser.press("u")
        await told(browser, "Nobody works on it now")
        await browser.press("t")
        await told(browser, "It is yours")
        await browser.press("r")
        await typed(browser, "a mask that is in no pattern")
        await told(browser, "Research Group")
        await browser.press("q")
        await until(browser, "location.pathname === '/queue'")
        assert await browser.value("document.querySelectorAll('a.row').length") == 2
        clean(browser, console)
    rows = await console.pool.fetch("select case_id, state, queue, closed_reason from triage.cases")
    found = {row["case_id"]: tuple(row)[1:] for row in rows}
    assert found[cases[1]] == ("closed", "soc", "the same artefact as in May")
    assert sorted(each[1] for each in found.values()) == ["research", "soc", "soc"]
    told_log = [(each.action, each.reason) for each in await console.of_cases()]
    assert ("case.closed", "the same artefact as in May") in told_log
    assert ("case.referred", "a mask that is in no pattern") in told_log


@pytest.mark.timeout(600)
async def test_many_are_chosen_and_closed_by_keyboard_alone(console: Console) -> None:
    """A range and one more; what another changed meanwhile is left, and coming back asks for nothing again."""
    await console.add("carl", Role.CHECKER)
    for _ in range(5):
        await console.case()
    async with Browser() as browser:
        await signed_in(browser, console, "carl")
        cases = await browser.value("[...document.querySelectorAll('tbody tr')].map((row) => row.id.slice(5))")
        for key in ("j", "x", "j", "j", "X", "j", "j", "x"):
            await browser.press(key)
        checked = "[...document.querySelectorAll('tr:has(:checked)')].map((row) => row.id.slice(5))"
        assert await browser.value(checked) == [cases[0], cases[1], cases[2], cases[4]]
        await console.pool.execute("update triage.cases set queue = queue where case_id = $1", cases[1])
        await browser.press("c")
        await until(browser, "document.activeElement?.id === 'close-reason'")
        assert await browser.value(_H1) == "Close 4 cases"
        await typed(browser, "")
        await until(browser, "document.activeElement?.id === 'close-reason'")
        await typed(browser, "the same artefact as in May")
        await until(browser, "document.activeElement?.id === 'top' && location.pathname.startsWith('/bulk/')")
        assert await browser.value(_H1) == "3 of 4 cases done"
        assert cases[1][:8] in await browser.value("document.querySelector('main ul').textContent")
        await browser.value("history.back()")
        await until(browser, "location.pathname === '/queue' && document.querySelectorAll('a.row').length === 2")
        clean(browser, console)
    assert await console.pool.fetchval("select count(*) from triage.cases where state = 'closed'") == 3


@pytest.mark.timeout(600)
async def test_of_two_browsers_on_one_case_the_loser_gets_both_texts(console: Console) -> None:
    """And nothing of the winner's is overwritten."""
    await console.add("carl", Role.CHECKER)
    await console.add("cora", Role.CHECKER)
    case = await console.case()
    async with Browser() as first, Browser() as second:
        for browser, name in ((first, "carl"), (second, "cora")):
            await signed_in(browser, console, name, f"/cases/{case}")
        await first.press("c")
        await typed(first, "known: the same as in May")
        await told(first, "It is closed")
        await second.press("c")
        await typed(second, "a <b>mask</b>, told to the bank")
        await until(second, "document.querySelector('.both') !== null")
        assert (
            await second.value("document.getElementById('your-text').textContent") == "a <b>mask</b>, told to the bank"
        )
        assert await second.value("document.getElementById('their-text').textContent") == "known: the same as in May"
        await until(second, "document.activeElement.id === 'top'")
        for browser in (first, second):
            # the answer's status is told by the browser itself
            browser.complaints = [each for each in browser.complaints if "412" not in each]
            clean(browser, console)
    assert await console.pool.fetchval("select closed_reason from triage.cases") == "known: the same as in May"


@pytest.mark.timeout(600)
async def test_a_threat_is_proposed_and_agreed_to_by_keyboard_alone(console: Console) -> None:
    """By two people, one after the other."""
    await console.add("ada", Role.ANALYST)
    await console.add("carl", Role.CHECKER)
    case = await console.case()
    for name in ("ada", "carl"):
        async with Browser() as browser:
            await signed_in(browser, console, name, f"/cases/{case}")
            if name == "ada":
                await browser.press("t")
                await told(browser, "It is yours")
                await browser.press("h")
                await typed(browser, "a seam at the neck")
                await told(browser, "It is said that it is a threat")
            else:
                await browser.press("a")
                await told(browser, "It is agreed")
            clean(browser, console)
    row = await console.pool.fetchrow("select verdict, attack, reason, state from triage.dispositions")
    assert tuple(row) == ("threat", "presentation", "a seam at the neck", "approved")


@pytest.mark.timeout(600)
async def test_keys_are_switched_off_for_good_and_news_moves_nothing(console: Console) -> None:
    """Kept by the browser; what is new is said and neither focus nor list move."""
    await console.add("ada", Role.ANALYST)
    await console.case()
    async with Browser() as browser:
        await signed_in(browser, console, "ada")
        await browser.press("j")
        chosen = await browser.value(_SELECTED)
        case = await console.case()
        await console.pool.execute(
            "update triage.cases set opened_at = opened_at + interval '1 minute' where case_id = $1", case
        )
        await browser.value("look()")
        await until(browser, "!document.getElementById('news').hidden")
        assert "1 new" in await browser.value("document.getElementById('news').textContent")
        assert await browser.value(_SELECTED) == chosen
        assert await browser.value("document.querySelectorAll('a.row').length") == 1
        await browser.press("?")
        await until(browser, "document.getElementById('keys').open")
        await browser.press("Escape")
        await until(browser, "!document.getElementById('keys').open")
        assert await browser.value(_SELECTED) == chosen, "the dialog gives the focus back"
        await browser.press("?")
        await browser.press("Tab")  # from the heading to Close
        await browser.press("Tab")
        await browser.press("Enter")
        await until(browser, "document.body?.dataset.keys === 'off'")
        await browser.press("j")
        assert await browser.value(_SELECTED) == ""
        await browser.open(f"{console.origin}/queue")
        assert await browser.value("document.body.dataset.keys") == "off"
        clean(browser, console)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1440, 900)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pages_fit(console: Console, tmp_path: Path, width: int, height: int, scheme: str) -> None:
    """At the width of a telephone and of a desk, in both schemes: nothing is wider than the window, or hinders anybody.

    By the rules of WCAG 2.2 AA that axe can judge.
    """
    await console.add("ada", Role.CHECKER)
    cases = [await console.case(severity=each) for each in ("medium", "high", "low", "high")]
    await console.pool.execute(
        "insert into triage.dispositions(disposition_id, case_id, verdict, attack, reason, proposed_by, proposed_at, "
        "on_revision, state) values('d', $1, 'threat', 'presentation', 'a seam at the neck', 'b', $2, 1, 'proposed')",
        cases[0], console.now,
    )  # fmt: skip
    async with Browser(width, height) as browser:
        await browser.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        await browser.ask("Emulation.setEmulatedMedia", features=features)
        await browser.open(f"{console.origin}/sign-in")
        assert await hindrances(browser) == []
        await browser.screenshot(tmp_path / f"sign-in-{width}-{scheme}.png")
        await signed_in(browser, console, "ada")
        pages = (
            ("now", "/"),
            ("queue", "/queue"),
            ("chosen", "/queue"),
            ("many", ""),
            ("case", f"/cases/{cases[1]}"),
            ("approvals", "/approvals"),
            ("both", f"/cases/{cases[1]}/merge?with={cases[3]}"),
            ("none", "/cases/x"),
        )
        for name, path in pages:
            if path:
                await browser.open(f"{console.origin}{path}")
            else:
                await browser.press("s")
                await until(browser, "document.activeElement?.id === 'snooze-reason'")
            if name == "chosen":
                for key in ("j", "x", "j", "x"):
                    await browser.press(key)
            assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), name
            assert await hindrances(browser) == [], name
            if name == "queue":
                rows = "[...document.querySelectorAll('tbody tr')].map((row) => row.offsetHeight)"
                assert max(await browser.value(rows)) <= 140, "a row is a few lines"
            await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        await browser.value("document.querySelector('main').append(document.createElement('button')), 1")
        assert any("button-name" in each for each in await hindrances(browser)), "it can find something"
        browser.complaints = [each for each in browser.complaints if "404" not in each]
        clean(browser, console)
