"""Cases are judged again, blind, in the API and in a real browser by keyboard."""

from pathlib import Path
from typing import Final

import pytest

from proofwatch.access.roles import Role
from services.console.config import Settings
from tests.integration.console.house import Client, Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_shift import clean, signed_in, told, typed, until
from tests.support.axe import hindrances
from tests.support.devtools import Browser

SEAM: Final = "a seam at the neck"


@pytest.fixture
async def judged(console: Console) -> str:
    """Somebody found a case to be a threat, and another agreed; everything is judged again."""
    for name, role in (("ada", Role.ANALYST), ("bob", Role.ANALYST), ("carl", Role.CHECKER)):
        await console.person(name, role)
    case = await console.case()
    ada, carl = console.client("ada"), console.client("carl")
    found = {"reason": SEAM, "attack": "presentation", "species": "silicone_mask"}
    await done(ada, case, "take", {})
    await done(ada, case, "threat", found)
    await done(carl, case, "approve", {})
    return case


async def done(client: Client, case: str, deed: str, body: object) -> None:
    tag = (await client.get(f"/v1/cases/{case}")).headers["etag"]
    answer = await client.post(f"/v1/cases/{case}/{deed}", body, if_match=tag)
    assert answer.status_code == 200, answer.text


async def test_what_is_given_to_judge_says_nothing_of_what_was_found(console: Console, judged: str) -> None:
    """Then both are told; a second time it is nobody's; who differs is listed, with the case, for those who see it."""
    bob, ada = console.client("bob"), console.client("ada")
    assert (await ada.post("/v1/rereviews/next")).json() == {"rereview": None}
    given = await bob.post("/v1/rereviews/next")
    assert not [each for each in (judged, "seam", "silicone", "presentation") if each in given.text]
    blind = given.json()["rereview"]
    assert blind["why"][0]["evidence"] == {"failures": 3.0, "liveness_score": 0.41}
    path = f"/v1/rereviews/{blind['disposition_id']}/finding"
    for wrong in (
        {"verdict": "cleared", "reason": "x", "attack": "injection"},
        {"verdict": "threat", "reason": " "},
        {"verdict": "perhaps", "reason": "x"},
        {"verdict": "threat", "attack": "impostor", "species": "mask", "reason": "x"},
    ):
        assert problem(await bob.post(path, wrong)) == (422, "malformed"), wrong
    assert problem(await ada.post(path, {"verdict": "cleared", "reason": "x"})) == (409, "not_yours")
    said = (await bob.post(path, {"verdict": "cleared", "reason": "poor light"})).json()
    assert (said["case_id"], said["differs"], said["first"]["reason"]) == (judged, True, SEAM)
    assert problem(await bob.post(path, {"verdict": "cleared", "reason": "x"})) == (409, "not_yours")
    told_ = (await console.client("carl").get("/v1/rereviews/agreement")).json()
    assert (told_["verdict"]["n"], told_["verdict"]["agreed"], told_["verdict"]["kappa"]) == (1, 0, 0.0)
    assert [each["case_id"] for each in told_["different"]] == [judged]
    span = "since=2026-01-01T00:00:00Z&until=2020-01-01T00:00:00Z"
    assert problem(await bob.get(f"/v1/rereviews/agreement?{span}")) == (422, "malformed")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [360, 1440])
async def test_by_keyboard_in_a_browser(console: Console, judged: str, width: int, tmp_path: Path) -> None:
    """Asked for, refused without a word of why, judged, told; at both widths, without a hindrance."""
    async with Browser(width=width) as browser:
        await signed_in(browser, console, "bob", "/rereviews")
        await browser.press("n")
        await until(browser, "document.activeElement?.id === 'threat-reason'")
        assert "seam" not in await browser.value("document.body.textContent")
        assert await hindrances(browser) == []
        await browser.press("Escape")
        await typed(browser, "a script, by its durations")
        await told(browser, "Both found the same")
        assert SEAM in await browser.value("document.body.textContent")
        assert "1 of 1 alike" in await browser.value("document.body.textContent")
        await browser.screenshot(tmp_path / "rereviews.png")
        assert await hindrances(browser) == []
        clean(browser, console)


def test_a_share_is_judged_again_unless_it_is_said_otherwise() -> None:
    """One of twenty."""
    assert Settings().rereview_share == 0.05
