"""What is new is said on a page that is open, in a real browser: by the stream, else by counting; nothing moves."""

from typing import Any, Final

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_shift import clean, signed_in, until
from tests.support.devtools import Browser

_SELECTED: Final = "document.activeElement.closest('tr')?.id ?? ''"
_LISTED: Final = "[...document.querySelectorAll('tbody tr')].map((row) => row.id)"
_SAID: Final = "document.getElementById('news').hidden ? '' : document.getElementById('news').textContent"
_LISTENS: Final = "events?.readyState === EventSource.OPEN"


async def later_case(console: Console) -> str:
    """A case that was opened after those that the page shows."""
    console.later(minutes=1)
    case = await console.case()
    await console.pool.execute(
        "update triage.cases set opened_at = (select max(opened_at) from triage.cases) + interval '1 minute' "
        "where case_id = $1",
        case,
    )
    return case


def counted(browser: Browser) -> list[str]:
    return [each for each in browser.requests if "/v1/cases/waiting" in each]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("path", ["/queue", "/"])
async def test_news_come_by_the_stream_and_move_nothing(console: Console, path: str) -> None:
    """No page counts; what was closed again is new no more; what is selected stays, and so does the list."""
    await console.add("ada", Role.ANALYST)
    for _ in range(2):
        await console.case()
    async with Browser() as browser:
        await signed_in(browser, console, "ada", path)
        await until(browser, _LISTENS)
        await browser.press("j")
        before = [await browser.value(each) for each in (_SELECTED, _LISTED)]
        cases = [await later_case(console) for _ in range(2)]
        await until(browser, f"({_SAID}) === '2 new since this page was made: show them'")
        assert await browser.value("document.title.startsWith('(2) ')")
        await console.pool.execute("update triage.cases set state = 'closed' where case_id = $1", cases[0])
        await until(browser, f"({_SAID}) === '1 new since this page was made: show it'")
        assert [await browser.value(each) for each in (_SELECTED, _LISTED)] == before
        assert counted(browser) == []
        clean(browser, console)


@pytest.mark.timeout(600)
async def test_what_changed_while_a_page_was_made_or_not_seen_is_said(console: Console) -> None:
    """A page that nobody sees holds no connection, and goes on from where it was."""
    await console.add("ada", Role.ANALYST)
    await console.case()
    async with Browser() as browser:
        await signed_in(browser, console, "ada")
        await until(browser, _LISTENS)
        await browser.value("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
        await browser.value("document.dispatchEvent(new Event('visibilitychange'))")
        assert await browser.value("events === null")
        await later_case(console)
        await browser.value("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
        await browser.value("document.dispatchEvent(new Event('visibilitychange'))")
        await until(browser, f"({_SAID}).startsWith('1 new')")
        clean(browser, console)


@pytest.mark.timeout(600)
async def test_a_stream_that_breaks_is_taken_up_again(console: Console) -> None:
    """When the console starts anew: the browser comes by itself, with what it heard last."""
    await console.add("ada", Role.ANALYST)
    await console.case()
    async with Browser() as browser:
        await signed_in(browser, console, "ada")
        await until(browser, _LISTENS)
        await console.end()
        await until(browser, "events?.readyState === EventSource.CONNECTING")
        await later_case(console)
        await console.begin()
        await until(browser, f"{_LISTENS} && ({_SAID}).startsWith('1 new')")
        assert await browser.value("looking === 0"), "it counts no more"


@pytest.mark.timeout(600)
async def test_without_a_stream_it_is_counted(console: Console) -> None:
    """As where something between lets none through."""
    await console.add("ada", Role.ANALYST)
    await console.case()
    async with Browser() as browser:
        await browser.ask("Network.setBlockedURLs", urls=["*/v1/stream*"])
        await signed_in(browser, console, "ada")
        await until(browser, "looking !== 0")
        await later_case(console)
        await browser.value("look()")
        await until(browser, f"({_SAID}).startsWith('1 new')")
        assert counted(browser)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("blocked", [[], ["*/v1/stream*"]])
async def test_who_was_signed_out_is_told(console: Console, blocked: list[Any]) -> None:
    """By the stream, or by the count; the page asks no more."""
    await console.add("ada", Role.ANALYST)
    await console.case()
    async with Browser() as browser:
        await browser.ask("Network.setBlockedURLs", urls=blocked)
        await signed_in(browser, console, "ada")
        await until(browser, "looking !== 0" if blocked else _LISTENS)
        await console.pool.execute("update access.sessions set ended_at = now(), ended_by = 'signed_out'")
        if blocked:
            await browser.value("look()")
        await until(browser, f"({_SAID}).startsWith('Your session has ended')")
        assert await browser.value("events === null || events.readyState === EventSource.CLOSED")
