"""The audit log in the console: whose entries, what proves them, and that reading is an entry itself."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proofwatch.access.roles import Role
from proofwatch.audit.merkle import leaf_hash
from proofwatch.audit.proof import Proof
from tests.integration.auditor.conftest import Audited
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_figure_pages import SIZES
from tests.integration.console.test_shift import clean, signed_in, until
from tests.support.axe import hindrances
from tests.support.devtools import Browser


@pytest.fixture
async def audited(console: Console, tmp_path: Path) -> AsyncIterator[tuple[Console, Audited]]:
    """A console and an auditor over one database; Ada took a case, and everybody is signed in."""
    for name, *roles in (
        ("ada", Role.ANALYST), ("bob", Role.ANALYST), ("carl", Role.CHECKER), ("pia", Role.PRIVACY),
        ("otto", Role.AUDITOR), ("root", Role.ADMIN),
    ):  # fmt: skip
        await console.person(name, *roles)
    await console.person("eve", Role.AUDITOR, tenants=("other",))
    case, ada = await console.case(), console.client("ada")
    tag = (await ada.get(f"/v1/cases/{case}")).headers["etag"]
    assert (await ada.post(f"/v1/cases/{case}/take", if_match=tag)).status_code == 200
    built = Audited(console.pool, tmp_path)
    await settle(built)
    try:
        yield console, built
    finally:
        for each in built.running:
            await each.stop()


async def settle(audited: Audited) -> None:
    """Let the auditor take in what waits, sign it, and let it leave."""
    if not audited.running:
        await audited.auditor()
    for _ in range(3):
        audited.clock.advance_to(audited.clock.now_ms() + 2_000)
        while any([await audited.running[0].step(idle=idle) for idle in (False, True)]):
            pass


LONG_AGO = "since=2020-01-01T00:00:00Z"


async def test_whose_entries_somebody_reads_is_their_roles_to_say(audited: tuple[Console, Audited]) -> None:
    console, _ = audited
    found = {}
    for name in ("ada", "bob", "carl", "pia", "otto"):
        answer = await console.client(name).get(f"/v1/audit?{LONG_AGO}&limit=200")
        assert answer.status_code == 200, answer.text
        found[name] = answer.json()
    assert {name: each["scopes"] for name, each in found.items()} == {
        "ada": ["own"], "bob": ["own"], "carl": ["team"], "pia": ["views"], "otto": ["all", "views"],
    }  # fmt: skip
    actors = {name: {each["actor_name"] for each in of["entries"]} for name, of in found.items()}
    assert actors["ada"] == {"ada"}
    assert "case.assigned" in {each["action"] for each in found["ada"]["entries"]}
    assert "case.assigned" not in {each["action"] for each in found["bob"]["entries"]}
    assert {each["action"].partition(".")[0] for each in found["carl"]["entries"]} <= {"case", "cases", "imagery"}
    assert "case.assigned" in {each["action"] for each in found["carl"]["entries"]}
    assert {each["action"] for each in found["pia"]["entries"]} == {"cases.read"}
    assert {"log.begun", "case.assigned", "person.added"} <= {each["action"] for each in found["otto"]["entries"]}
    for scope in ("all", "team", "views"):
        assert problem(await console.client("ada").get(f"/v1/audit?scope={scope}")) == (403, "role_missing")
    assert problem(await console.client("root").get("/v1/audit")) == (403, "role_missing")
    assert problem(await console.client("eve").get("/v1/audit?tenant=acme")) == (403, "tenant_not_yours")
    of_other = (await console.client("eve").get(f"/v1/audit?{LONG_AGO}")).json()
    assert [each for each in of_other["entries"] if each["tenant"] != "other"] == []


async def test_what_is_not_ones_own_is_not_there(audited: tuple[Console, Audited]) -> None:
    """Not by its number either; and that somebody asked is on record."""
    console, _ = audited
    everything = (await console.client("otto").get(f"/v1/audit?{LONG_AGO}&limit=200")).json()["entries"]
    taken = next(each["index"] for each in everything if each["action"] == "case.assigned")
    begun = next(each["index"] for each in everything if each["action"] == "log.begun")
    for index in (taken, begun, 10**9, 2**63, 10**40, -1):
        for path in (f"/v1/audit/{index}", f"/v1/audit/{index}/verified", f"/audit/{index}"):
            answer = await console.client("bob").get(path)
            assert (answer.status_code, "ada" in answer.text.partition("</header>")[2]) == (404, False), path
            assert (await console.client("eve").get(path)).status_code in (403, 404)
    assert (await console.client("ada").get(f"/v1/audit/{taken}")).json()["action"] == "case.assigned"
    assert problem(await console.client("ada").get(f"/v1/audit/{begun}")) == (404, "no_such_entry")
    asked = [each for each in await console.entries() if each.action == "data.asked"]
    assert asked
    assert ("entry", str(taken)) in {(each.kind, each.id) for entry in asked for each in entry.objects}
    for nonsense in ("x", "%00", "1e3", "0x1"):
        assert problem(await console.client("otto").get(f"/v1/audit/{nonsense}"))[0] == 404


async def test_an_entry_is_proved_by_what_others_can_check(audited: tuple[Console, Audited]) -> None:
    """The steps hold, the proof is one for who has the leaf alone; a changed entry is told, and by which step."""
    console, auditor = audited
    otto = console.client("otto")
    page = (await otto.get(f"/v1/audit?{LONG_AGO}&action=case.*&limit=200")).json()
    first = page["entries"][-1]
    assert first["left"]
    whole = (await otto.get(f"/v1/audit/{first['index']}")).json()
    assert whole["checkpoint"]["size"] > first["index"]
    told = (await otto.get(f"/v1/audit/{first['index']}/verified")).json()
    assert (told["proved"], len(told["steps"])) == (True, 4)
    leaf = base64.b64decode(told["leaf"])
    assert Proof.parse(base64.b64decode(told["proof"])).check(leaf_hash(leaf)).size > first["index"]
    for kind, body in (("tlog-proof", told["proof"]), ("leaf.json", told["leaf"])):
        file = await otto.get(f"/audit/{first['index']}/{first['index']}.{kind}")
        assert (file.status_code, file.content) == (200, base64.b64decode(body))
        assert "attachment" in file.headers["content-disposition"]
    assert (await otto.get(f"/audit/{first['index']}/..%2fx")).status_code == 404
    newest = (await otto.get("/v1/audit")).json()["signed"]
    await settle(auditor)
    assert (await otto.get(f"/v1/audit?{LONG_AGO}")).json()["signed"] > newest
    for changed, step in ((leaf.replace(b'"tenant":"acme"', b'"tenant":"acne"'), 1), (leaf + b" ", 0)):
        assert changed != leaf
        await console.pool.execute("update audit.entries set leaf = $1 where index = $2", changed, first["index"])
        broken = await otto.get(f"/v1/audit/{first['index']}/verified")
        assert broken.status_code == 200, broken.text
        assert (broken.json()["proved"], broken.json()["steps"][step]["holds"]) == (False, False)
    page = await otto.get(f"/audit/{first['index']}?verify=true")
    assert (page.status_code, "NOT PROVED" in page.text) == (200, True)
    assert problem(await otto.get(f"/v1/audit/{first['index']}")) == (409, "entry_unreadable")
    listed = await otto.get(f"/v1/audit?{LONG_AGO}&action=case.*&limit=200")
    assert listed.json()["unreadable"] == [first["index"]]
    assert "is no entry any more" in (await otto.get("/audit?since=2020-01-01")).text


@pytest.mark.parametrize(
    "query",
    [
        "scope=every", "action=DROP%20TABLE", "action=%25", "who=%00", "tenant=%00", "outcome=maybe", "about=case",
        "about=case:%00", "since=yesterday", "since=2026-01-01T00:00:00", "before=-1", "before=x", f"before={10**30}",
        "limit=0", "limit=201", "since=0001-01-01T00:00:00%2B14:00",
    ],
)  # fmt: skip
async def test_what_cannot_be_looked_for_is_told(console: Console, query: str) -> None:
    await console.person("otto", Role.AUDITOR)
    assert problem(await console.client("otto").get(f"/v1/audit?{query}"))[0] == 422
    page = await console.client("otto").get(f"/audit?{query}")
    assert page.status_code in (200, 422), page.text


async def test_lists_go_on_where_they_ended_and_find_by_everything(audited: tuple[Console, Audited]) -> None:
    console, _ = audited
    otto = console.client("otto")
    whole = (await otto.get(f"/v1/audit?{LONG_AGO}&limit=200")).json()["entries"]
    found, before = [], 0
    while before is not None:
        page = (await otto.get(f"/v1/audit?{LONG_AGO}&limit=3&before={before}")).json()
        found += page["entries"]
        before = page["next"]
    assert [each["index"] for each in found] == [each["index"] for each in whole]
    case = next(each for each in whole if each["action"] == "case.assigned")
    about = next(each for each in case["objects"] if each["kind"] == "case")
    for query in (
        f"about=case:{about['id']}", "who=ada", f"who={case['actor']}", f"tenant={case['tenant']}",
        "action=case.*", "action=case.assigned", f"outcome={case['outcome']}",
    ):  # fmt: skip
        answer = (await otto.get(f"/v1/audit?{LONG_AGO}&limit=200&{query}")).json()["entries"]
        assert case["index"] in {each["index"] for each in answer}, query
        assert len(answer) < len(whole), query
    assert (await otto.get(f"/v1/audit?{LONG_AGO}&action=case_assigned")).json()["entries"] == []
    assert (await otto.get(f"/v1/audit?{LONG_AGO}&about=case:nobody")).json()["entries"] == []


@pytest.mark.timeout(900)
async def test_pages_of_the_log_fit_and_an_entry_is_verified_by_a_key(
    audited: tuple[Console, Audited], tmp_path: Path
) -> None:
    console, _ = audited
    async with Browser() as browser:
        await signed_in(browser, console, "otto", "/audit")
        await browser.press("A")
        await until(browser, "location.pathname === '/audit'")
        await browser.open(f"{console.origin}/audit?since=2020-01-01&action=case.*")
        await browser.press("j")
        await browser.press("Enter")
        await until(browser, "location.pathname.startsWith('/audit/')")
        await browser.press("V")
        await until(browser, "location.search === '?verify=true'")
        assert await browser.value("document.querySelector('.verdict .mark').textContent") == "PROVED"
        entry = await browser.value("location.pathname + location.search")
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            await browser.ask("Emulation.setEmulatedMedia", features=features)
            for width, height in SIZES:
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
                await browser.ask("Emulation.setDeviceMetricsOverride", **size)
                for name, path in (("audit", "/audit?since=2020-01-01"), ("entry", entry)):
                    await browser.open(f"{console.origin}{path}")
                    assert await browser.value("document.documentElement.scrollWidth <= innerWidth"), name
                    assert await hindrances(browser) == [], name
                    await browser.screenshot(tmp_path / f"{name}-{width}-{scheme}.png")
        browser.requests = [each for each in browser.requests if not each.startswith("data:")]
        browser.complaints = [each for each in browser.complaints if "403" not in each]  # the queue is for analysts
        clean(browser, console)
