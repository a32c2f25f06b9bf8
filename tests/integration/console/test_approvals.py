"""What waits for a second person: what one may agree to, what one proposed, and that changed evidence voids it."""

import re

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_pages import seen
from tests.unit.triage.events import suspicion


async def proposed(console: Console, name: str) -> str:
    """A case of which somebody said that it is a threat."""
    case, who = await console.case(), console.client(name)
    await who.post(f"/v1/cases/{case}/take", if_match=f'"{await seen(who, case)}"')
    given = {"reason": "a seam at the neck", "species": "mask"}
    done = await who.post(f"/v1/cases/{case}/threat", given, if_match=f'"{await seen(who, case)}"')
    assert done.status_code == 200, done.text
    return case


def sections(page: str) -> dict[str, str]:
    """Return the parts of a page by the ids of their headings."""
    return dict(re.findall(r'<h2 id="([a-z]+)">(.*?)(?=<h2 |</main>)', page, re.DOTALL))


async def test_each_sees_what_waits_for_them_and_what_of_theirs_waits_for_others(console: Console) -> None:
    """A checker what others proposed, who proposed it what they did; nobody what is not theirs to see."""
    await console.person("ada", Role.ANALYST, Role.CHECKER)
    await console.person("bob", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    await console.person("eve", Role.CHECKER, tenants=("other",))
    await console.case()
    by_ada, by_bob = await proposed(console, "ada"), await proposed(console, "bob")
    found = {
        name: sections((await console.client(name).get("/approvals")).text) for name in ("ada", "bob", "carl", "eve")
    }
    agree = {name: [each for each in (by_ada, by_bob) if each in of.get("agree", "")] for name, of in found.items()}
    waiting = {name: [each for each in (by_ada, by_bob) if each in of.get("yours", "")] for name, of in found.items()}
    assert agree == {"ada": [by_bob], "bob": [], "carl": [by_ada, by_bob], "eve": []}
    assert waiting == {"ada": [by_ada], "bob": [by_bob], "carl": [], "eve": []}
    assert "a seam at the neck" in found["carl"]["agree"]
    assert "bob" in found["carl"]["agree"]
    listed = (await console.client("carl").get("/v1/cases?proposed=true")).json()["cases"]
    assert {each["case_id"] for each in listed} == {by_ada, by_bob}
    assert all("approve" in each["deeds"] for each in listed)
    told = {each["case_id"]: each["proposal"] for each in listed}[by_bob]
    assert (told["verdict"], told["species"], told["proposed_by_name"], told["void"]) == (
        "threat",
        "mask",
        "bob",
        False,
    )
    counted = (await console.client("carl").get("/v1/cases/waiting?since=2026-01-01T00:00:00Z")).json()
    assert counted["to_agree"] == 2
    assert (await console.client("bob").get("/v1/cases/waiting?since=2026-01-01T00:00:00Z")).json()["to_agree"] == 0


async def test_what_is_agreed_to_leads_back_to_what_waits(console: Console) -> None:
    """By its row, on what was seen of it; several at once, too."""
    await console.person("ada", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    cases = [await proposed(console, "ada") for _ in range(3)]
    carl = console.client("carl")
    page = (await carl.get("/approvals")).text
    rows = re.findall(r'action="(/cases/[^"]+/approve)">.*?name="seen" value="([^"]+)"', page, re.DOTALL)
    assert {path.split("/")[2] for path, _ in rows} == set(cases)
    done = await carl.form(rows[0][0], seen=rows[0][1], back="/approvals")
    assert (done.status_code, done.headers["location"]) == (303, "/approvals?told=approve")
    boxes = re.findall(r'form="bulk" name="case" value="([^"]+)"', (await carl.get("/approvals")).text)
    page = (await carl.form_of("/bulk", [("deed", "approve"), *(("case", each) for each in boxes)])).text
    given = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.split('action="/bulk/do">')[1])
    answer = await carl.form_of("/bulk/do", given)
    assert "2 of 2 cases done" in (await carl.get(answer.headers["location"])).text
    assert await console.pool.fetchval("select count(*) from triage.dispositions where state = 'approved'") == 3
    assert "Nothing waits for you" in (await carl.get("/approvals")).text


async def test_changed_evidence_voids_what_was_proposed(console: Console) -> None:
    """It is no longer to be agreed to; who proposed it is told to look again."""
    await console.person("ada", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    case = await proposed(console, "ada")
    await console.triage.tell(suspicion(9, subject_ref="s-1"))
    assert case not in (await console.client("carl").get("/approvals")).text
    page = sections((await console.client("ada").get("/approvals")).text)
    assert case in page["yours"]
    assert "The evidence has changed since: look again" in page["yours"]
    counted = (await console.client("carl").get("/v1/cases/waiting?since=2026-01-01T00:00:00Z")).json()
    assert counted["to_agree"] == 0
    carl = console.client("carl")
    answer = await carl.post(f"/v1/cases/{case}/approve", if_match=f'"{await seen(carl, case)}"')
    assert (answer.status_code, answer.json()["code"]) == (409, "evidence_changed")
    assert await console.pool.fetchval("select state from triage.dispositions") == "voided"
