"""Merging on pages: both sides are shown before, a part leads to its whole, and is taken out where it is shown."""

import re
from typing import Final

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Client, Console
from tests.integration.console.test_pages import seen

WORDS: Final = "Liveness fails again and again"


async def two(console: Console) -> tuple[Client, str, str]:
    """Ada, an analyst; two cases of her tenant, the first of which is due first."""
    await console.person("ada", Role.ANALYST)
    first, second = await console.case(), await console.case()
    due = "update triage.cases set due_at = opened_at + interval '1 hour' where case_id = $1"
    await console.pool.execute(due, first)
    return console.client("ada"), first, second


def versions(page: str) -> list[dict[str, str]]:
    """Return the hidden fields of every form that merges."""
    forms = re.findall(r'<form[^>]*action="/cases/[^"]+/merge">.*?</form>', page, re.DOTALL)
    return [dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', each)) for each in forms]


async def merged(ada: Client, part: str, whole: str) -> None:
    page = (await ada.get(f"/cases/{part}/merge?with={whole}")).text
    [given] = [each for each in versions(page) if each["into"] == whole]
    answer = await ada.form(f"/cases/{part}/merge", **given, reason="the same mask")
    assert answer.headers["location"] == f"/cases/{whole}?told=merge", answer.text


async def test_what_both_hold_is_shown_and_which_can_become_a_part_of_which(console: Console) -> None:
    """Named whole, or by its first letters as the queue has them; where it cannot be, it is said why not."""
    ada, first, second = await two(console)
    for name in (first, first[:8]):
        page = (await ada.get(f"/cases/{second}/merge?with={name}")).text
        assert page.count(WORDS) >= 2
        assert all(each in page for each in ("t-1", "t-2", first, second))
        assert [each["into"] for each in versions(page)] == [first]
        assert "It is due before the other one" in page
    assert f'action="/cases/{second}/merge"' in (await ada.get(f"/cases/{second}")).text


@pytest.mark.parametrize("name", ["no-such", "", "zz%25_zzzz", "%00", "a" * 300])
async def test_what_is_no_case_is_told_beside_the_field(console: Console, name: str) -> None:
    """And so is the case itself."""
    ada, _, second = await two(console)
    for given in (name, second):
        answer = await ada.get(f"/cases/{second}/merge?with={given}")
        assert answer.status_code == 422
        assert 'id="refused"' in answer.text
        assert re.search(r'<input id="merge-with"[^>]*aria-describedby="refused"[^>]*autofocus', answer.text)


async def test_a_part_leads_to_its_whole_which_says_what_it_is_made_of(console: Console) -> None:
    """Until it is taken out again, at the page of the part itself, on what was seen of it."""
    ada, whole, part = await two(console)
    await merged(ada, part, whole)
    led = await ada.get(f"/cases/{part}")
    assert (led.status_code, led.headers["location"]) == (303, f"/cases/{whole}?told=part")
    page = (await ada.get(led.headers["location"])).text
    assert "goes on as a part of this one" in page
    assert f'href="/cases/{part}?itself=true"' in page
    assert "because a person put it here" in page
    itself = (await ada.get(f"/cases/{part}?itself=true")).text
    assert f'href="/cases/{whole}"' in itself
    assert f'data-place="/cases/{part}?itself=true"' in itself
    shown = dict(re.findall(r'<input type="hidden" name="(seen)" value="([^"]*)">', itself))
    refused = await ada.form(f"/cases/{part}/unmerge", **shown, reason="")
    assert refused.status_code == 422
    assert "Say why" in refused.text
    assert part in refused.text.split("<h1")[1].split("</dl>")[0]
    out = await ada.form(f"/cases/{part}/unmerge", **shown, reason="another light")
    assert out.headers["location"] == f"/cases/{part}?told=unmerge"
    assert "taken out" in (await ada.get(f"/cases/{whole}")).text
    assert await console.pool.fetchval("select count(*) from triage.cases where part_of is not null") == 0


async def test_who_saw_something_else_of_either_merges_nothing(console: Console) -> None:
    """Of the part and of the whole: what they wrote is still there, beside what both are now."""
    ada, whole, part = await two(console)
    [given] = versions((await ada.get(f"/cases/{part}/merge?with={whole}")).text)
    for changed in (whole, part):
        await console.pool.execute("update triage.cases set queue = queue where case_id = $1", changed)
        answer = await ada.form(f"/cases/{part}/merge", **given, reason="the same mask")
        assert answer.status_code == 412
        assert "has changed since you looked; nothing was done" in answer.text
        assert '<blockquote id="your-text">the same mask</blockquote>' in answer.text
        assert f"/cases/{part}/merge?with={whole}" in answer.text
        [given] = versions((await ada.get(f"/cases/{part}/merge?with={whole}")).text)
    assert await console.pool.fetchval("select count(*) from triage.cases where part_of is not null") == 0
    path, body = f"/v1/cases/{part}/merge", {"into": whole, "reason": "the same mask", "into_version": "1.0"}
    answer = await ada.post(path, body, if_match=f'"{await seen(ada, part)}"')
    assert (answer.status_code, answer.json()["case"]["case_id"]) == (412, whole)


async def test_a_merge_that_is_refused_is_told_where_both_are_shown(console: Console) -> None:
    """With what was written."""
    ada, whole, part = await two(console)
    given = {"into": part, "seen": await seen(ada, whole), "into_seen": await seen(ada, part)}
    answer = await ada.form(f"/cases/{whole}/merge", **given, reason="the same mask")
    assert answer.status_code == 409
    assert "It is due before the other one" in answer.text
    assert 'value="the same mask"' in answer.text
    answer = await ada.form(f"/cases/{part}/merge", **{**given, "into": whole, "seen": given["into_seen"],
                            "into_seen": given["seen"]}, reason=" ")  # fmt: skip
    assert answer.status_code == 422
    assert "Say why" in answer.text


async def test_merging_and_taking_out_are_offered_to_who_may(console: Console) -> None:
    """By the API, too: of a case that nobody judged, and of a part."""
    ada, whole, part = await two(console)
    await console.person("rita", Role.RESEARCHER)
    assert "merge" in (await ada.get(f"/v1/cases/{part}")).json()["deeds"]
    await merged(ada, part, whole)
    assert "unmerge" in (await ada.get(f"/v1/cases/{part}?itself=true")).json()["deeds"]
    assert "merge" not in (await ada.get(f"/v1/cases/{whole}")).json()["deeds"], "it has parts itself"
    await console.pool.execute("update triage.cases set queue = 'research'")
    found = (await console.client("rita").get(f"/v1/cases/{whole}")).json()["deeds"]
    assert "merge" not in found
