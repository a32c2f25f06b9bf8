"""From an alarm to research, by keyboard alone: four people in turn, and what each of them sees on the way."""

import os
from pathlib import Path
from typing import Final

import pytest

from proofwatch.access.roles import Role
from proofwatch.events.types import Slice
from tests.integration.console.house import Console
from tests.integration.console.test_shift import clean, signed_in, told, typed, until
from tests.integration.console.upstreaming import traffic, working
from tests.integration.triage.test_clusters import on, settle
from tests.support.axe import hindrances
from tests.support.devtools import Browser
from tests.unit.triage.events import incident

A_1801: Final = Slice(segment_name="device_model", segment_value="A-1801")
_OF_MOST: Final = """
select w.case_id from triage.cases w join triage.cases p on p.part_of = w.case_id
where w.kind = 'cluster' group by 1 order by count(*) desc, 1 limit 1"""

BROKEN: Final = """[...document.querySelectorAll('main thead th, main td button, main td')].filter((each) => {
  const range = document.createRange();
  const text = [...each.childNodes].find((node) => node.nodeType === 3 && /^\\s*[a-z]{2,12}\\s*$/i.test(node.data));
  return text && (range.selectNodeContents(text), new Set([...range.getClientRects()].map((at) => at.top)).size > 1);
}).map((each) => each.textContent)"""
"""Cells and buttons of one short word that stands on several lines."""


class Shown:
    """Takes pictures of a shift, one after the other, of pages that hinder nobody and break no word in its middle.

    `CONSOLE_PICTURES` names where they are wanted: `make pictures` puts them beside docs/console.md.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0

    async def __call__(self, browser: Browser, name: str) -> None:
        self._number += 1
        assert await hindrances(browser) == [], name
        assert await browser.value(BROKEN) == [], name
        await browser.screenshot(self._folder / f"{self._number}-{name}.webp")


async def goes_to(browser: Browser, key: str, path: str) -> None:
    """Press a key that leads to a page."""
    await browser.press(key)
    await until(browser, f"location.pathname === '{path}'")


async def tabbed(browser: Browser, selector: str) -> None:
    """Go on by Tab until something has the focus, as who has no mouse does."""
    for _ in range(80):
        if await browser.value(f"document.activeElement?.matches('{selector}') ?? false"):
            return
        await browser.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


@pytest.mark.timeout(600)
async def test_from_an_alarm_to_a_pattern_in_shadow(console: Console, tmp_path: Path) -> None:
    """An incident and a cluster of its handset; judged by two, found to be novel, referred, drafted, agreed to."""
    for name, role in (
        ("ada", Role.ANALYST),
        ("carl", Role.CHECKER),
        ("rita", Role.RESEARCHER),
        ("abe", Role.APPROVER),
    ):
        await console.add(name, role)
    await console.triage.tell(incident(root=(A_1801,)), *[on(each, model="A-1801") for each in range(1, 6)])
    await settle(console.triage)
    cluster = await console.pool.fetchval(_OF_MOST)
    await traffic(console)
    shown = Shown(Path(os.environ.get("CONSOLE_PICTURES", tmp_path)))
    async with Browser(1280, 900) as browser:
        await signed_in(browser, console, "ada", "/")
        await shown(browser, "now")
        await goes_to(browser, "q", "/queue")
        await shown(browser, "queue")
        while await browser.value("document.activeElement.closest('tr')?.id") != f"case-{cluster}":
            await browser.press("j")
        await goes_to(browser, "Enter", f"/cases/{cluster}")
        await browser.press("t")
        await told(browser, "It is yours")
        await shown(browser, "case")
        await browser.press("h")
        await typed(browser, "one handset, one minute apart: a farm")
        await told(browser, "It is said that it is a threat")
        clean(browser, console)
    async with Browser(1280, 900) as browser:
        await signed_in(browser, console, "carl", "/approvals")
        await shown(browser, "approvals")
        await browser.press("j")
        await goes_to(browser, "Enter", f"/cases/{cluster}")
        await browser.press("a")
        await told(browser, "It is agreed")
        clean(browser, console)
    async with Browser(1280, 900) as browser:
        await signed_in(browser, console, "ada", f"/cases/{cluster}")
        for key, why, said in (
            ("o", "no pattern has it", "It is novel"),
            ("r", "a pattern should have it", "The Research Group has it now"),
        ):
            await browser.press(key)
            await typed(browser, why)
            await told(browser, said)
        clean(browser, console)
    async with Browser(1280, 900) as browser, working(console):
        await signed_in(browser, console, "rita")
        await goes_to(browser, "n", f"/cases/{cluster}")
        await told(browser, "It is yours")
        await browser.press("N")
        await until(browser, "document.querySelector('[name=\"value-0\"]')?.value === 'A-1801'")
        for field, text in (("pattern_id", "farm-a-1801"), ("description", "A farm on one handset model")):
            await tabbed(browser, f'[name="{field}"]')
            await browser.type(text)
        await tabbed(browser, '[formaction="/patterns/look"]')
        await browser.press("Enter")
        await until(browser, "document.querySelector('svg.bars') !== null")
        await shown(browser, "draft")
        await tabbed(browser, 'form[action="/patterns"] button.main')
        await browser.press("Enter")
        await told(browser, "The draft is kept")
        await browser.press("p")
        await typed(browser, "of the case of today")
        await told(browser, "It is proposed")
        clean(browser, console)
    async with Browser(1280, 900) as browser:
        await signed_in(browser, console, "abe", "/patterns")
        await tabbed(browser, 'a[href="/patterns/farm-a-1801"]')
        await goes_to(browser, "Enter", "/patterns/farm-a-1801")
        await browser.press("a")
        await typed(browser, "it names no person and fits the case")
        await told(browser, "That is agreed")
        await shown(browser, "pattern")
        clean(browser, console)
    row = await console.pool.fetchrow("select state, case_id from triage.patterns")
    assert tuple(row) == ("shadow", cluster)
    acts = [each.action for each in await console.entries()]
    wanted = ("case.assigned", "case.proposed", "case.decided", "case.staged", "case.referred")
    assert [each for each in wanted if each not in acts] == []
