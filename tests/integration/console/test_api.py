"""The API: who may ask what, on what they saw, and what everybody else is told."""

import asyncio
import base64
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from proofwatch.access.roles import Role
from services.console.who import COOKIE
from tests.integration.access.house import PASSWORD
from tests.integration.console.house import Console

PROBLEM: Final = "application/problem+json"


async def sign_in(console: Console, name: str, password: str = PASSWORD) -> httpx.Response:
    console.later(seconds=30)
    return await console.client().post("/v1/session", {"name": name, "password": password, "code": console.code(name)})


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code; every problem has one form, and is kept by nobody."""
    found = answer.json()
    assert answer.headers["content-type"] == PROBLEM, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert {"type", "title", "status", "code", "detail"} <= found.keys()
    assert found["status"] == answer.status_code
    return answer.status_code, found["code"]


async def test_people_sign_in_and_out_with_a_cookie_that_no_script_reads(console: Console) -> None:
    """In the words of every refusal where it does not hold; after signing out the token opens nothing."""
    await console.add("ada", Role.ANALYST)
    assert problem(await sign_in(console, "ada", "wrong")) == (401, "sign_in_refused")
    assert problem(await sign_in(console, "ada", "")) == (401, "sign_in_refused")
    signed = await sign_in(console, "ada")
    cookie = signed.headers["set-cookie"]
    assert (signed.status_code, cookie.startswith(f"{COOKIE}=")) == (204, True)
    assert all(each in cookie for each in ("HttpOnly", "Secure", "SameSite=strict", "Path=/"))
    console.tokens["ada"] = cookie.partition(";")[0].partition("=")[2]
    ada = console.client("ada")
    assert (await ada.get("/v1/cases")).json() == {"cases": [], "next": None}
    ended = await ada.post("/v1/session/end")
    assert (ended.status_code, ended.headers["clear-site-data"]) == (204, '"cache", "storage"')
    assert problem(await ada.get("/v1/cases")) == (401, "not_signed_in")


async def test_a_case_is_worked_on_as_it_was_seen(console: Console) -> None:
    """Taken, referred, closed by its version; who saw an older one is told how it is now, and changes nothing."""
    await console.person("ada", Role.ANALYST)
    await console.person("bob", Role.ANALYST)
    case = await console.case()
    ada, bob = console.client("ada"), console.client("bob")
    seen = await ada.get(f"/v1/cases/{case}")
    tag = seen.headers["etag"]
    assert tag == f'"{seen.json()["version"]}"'
    assert seen.json()["why"][0]["evidence"] == {"failures": 3.0, "liveness_score": 0.41}
    assert (seen.json()["deeds"], seen.json()["assignee"]) == (["take", "merge"], None)
    taken = await ada.post(f"/v1/cases/{case}/take", if_match=tag)
    assert (taken.status_code, taken.json()["changed"]) == (200, True)
    assert taken.json()["case"]["assignee"] == console.ids["ada"]
    deeds = {"release", "review", "clear", "threat", "snooze", "refer", "close", "merge"}
    assert set(taken.json()["case"]["deeds"]) == deeds
    late = await bob.post(f"/v1/cases/{case}/take", if_match=tag)
    assert problem(late) == (412, "case_changed")
    assert late.json()["case"]["assignee_name"] == "ada"
    assert late.headers["etag"] == taken.headers["etag"] != tag
    assert problem(await bob.post(f"/v1/cases/{case}/take", if_match=late.headers["etag"])) == (
        409,
        "assigned_to_another",
    )
    now = late.headers["etag"]
    for wrong, expected in (({}, 428), ({"if_match": now.strip('"')}, 422), ({"if_match": "*"}, 422)):
        answer = await ada.post(f"/v1/cases/{case}/close", {"reason": "a mask"}, **wrong)
        assert answer.status_code == expected, answer.text
    for reason in ("", "   ", "\u200b\u200b", "a\x00b", "x" * 2_001):
        answer = await ada.post(f"/v1/cases/{case}/close", {"reason": reason}, if_match=now)
        assert answer.status_code == 422, reason
    closed = await ada.post(f"/v1/cases/{case}/close", {"reason": "a mask"}, if_match=now)
    assert (closed.json()["case"]["state"], closed.json()["case"]["ended"]["reason"]) == ("closed", "a mask")
    again = await ada.post(f"/v1/cases/{case}/close", {"reason": "b"}, if_match=closed.headers["etag"])
    assert problem(again) == (409, "case_closed")


async def test_what_one_finds_another_agrees_to(console: Console) -> None:
    """Proposed by who works on it, approved by a checker and never by the proposer; then it is a label to be sent."""
    await console.person("ada", Role.ANALYST, Role.CHECKER)
    await console.person("carl", Role.CHECKER)
    case = await console.case()
    ada, carl = console.client("ada"), console.client("carl")
    path = f"/v1/cases/{case}"
    taken = await ada.post(f"{path}/take", if_match=(await ada.get(path)).headers["etag"])
    for wrong in ({"reason": "x", "attack": "impostor", "species": "mask"}, {"reason": "x", "attack": "no"}, {}):
        answer = await ada.post(f"{path}/threat", wrong, if_match=taken.headers["etag"])
        assert problem(answer) == (422, "malformed"), wrong
    found = {"reason": "a seam at the neck", "attack": "presentation", "species": "silicone_mask"}
    said = await ada.post(f"{path}/threat", found, if_match=taken.headers["etag"])
    assert said.json()["case"]["said"][0]["state"] == "proposed"
    assert "approve" not in said.json()["case"]["deeds"]
    tag = said.headers["etag"]
    assert problem(await ada.post(f"{path}/approve", if_match=tag)) == (403, "your_own")
    assert "approve" in (await carl.get(path)).json()["deeds"]
    agreed = await carl.post(f"{path}/approve", if_match=tag)
    assert (agreed.json()["case"]["said"][0]["state"], agreed.json()["case"]["stage"]) == ("approved", "escalated")
    kinds = await console.pool.fetch("select kind from triage.unsent order by 1")
    assert [row["kind"] for row in kinds] == ["escalation", "label"]


async def test_a_case_goes_through_its_whole_life_over_http(console: Console) -> None:
    """Reviewed, a threat, novel, of high risk, rested and woken, closed and opened anew: each offered before it is."""
    await console.person("ada", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    case = await console.case()
    path, stages = f"/v1/cases/{case}", []
    until = (console.now + timedelta(hours=4)).isoformat()
    for name, deed, body in (
        ("ada", "take", {}),
        ("ada", "review", {}),
        ("ada", "threat", {"reason": "a seam"}),
        ("carl", "approve", {}),
        ("ada", "novel", {"reason": "in no pattern"}),
        ("ada", "high-risk", {"reason": "it passes everywhere"}),
        ("ada", "snooze", {"reason": "upstream answers later", "until": until}),
        ("ada", "wake", {}),
        ("ada", "close", {"reason": "told to the bank"}),
        ("ada", "reopen", {"reason": "a third claim"}),
    ):
        client = console.client(name)
        seen = await client.get(path)
        assert deed.replace("-", "_") in seen.json()["deeds"], deed
        done = await client.post(f"{path}/{deed}", body, if_match=seen.headers["etag"])
        assert done.status_code == 200, done.text
        now = done.json()["case"]
        assert (now["snoozed_until"] is not None) == (deed == "snooze")
        stages.append(now["stage"])
    assert stages == [
        "assigned", "under_review", "under_review", "escalated", "novel", "high_risk", "high_risk", "high_risk",
        "closed", "new",
    ]  # fmt: skip
    ada, tag = console.client("ada"), done.headers["etag"]
    for wrong in ({"reason": "x"}, {"reason": "x", "until": "2026-03-03T00:00:00"}, {"reason": "", "until": until}):
        assert problem(await ada.post(f"{path}/snooze", wrong, if_match=tag)) == (422, "malformed")


async def test_what_people_did_is_in_the_case_with_what_they_said(console: Console) -> None:
    """A referral, too: who takes it over reads why. What cannot be a case's id is no case."""
    await console.person("ada", Role.ANALYST)
    await console.person("rita", Role.RESEARCHER)
    case = await console.case()
    ada = console.client("ada")
    seen = await ada.get(f"/v1/cases/{case}")
    taken = await ada.post(f"/v1/cases/{case}/take", if_match=seen.headers["etag"])
    tag = taken.headers["etag"]
    done = await ada.post(f"/v1/cases/{case}/refer", {"reason": "a mask of a new kind"}, if_match=tag)
    assert done.status_code == 200, done.text
    acts = (await console.client("rita").get(f"/v1/cases/{case}")).json()["acts"]
    assert [(each["deed"], each["reason"]) for each in acts][-1] == ("refer", "a mask of a new kind")
    page = (await console.client("rita").get(f"/cases/{case}")).text
    assert "ada referred it to the Research Group: a mask of a new kind" in page
    for nonsense in ("%00", "x" * 200, "%F0%9F%98%80"):
        assert problem(await ada.get(f"/v1/cases/{nonsense}")) == (404, "no_such_case")


async def test_changes_are_followed_by_a_cursor(console: Console) -> None:
    """Each answer says where it ended, also where there is nothing; a cursor of somebody's own making is refused."""
    await console.person("ada", Role.ANALYST)
    ada, cases = console.client("ada"), [await console.case() for _ in range(3)]
    found, cursor = [], ""
    for _ in range(3):
        page = (await ada.get(f"/v1/cases/changes?limit=2&cursor={cursor}")).json()
        found += [each["case_id"] for each in page["cases"]]
        cursor = page["next"]
    assert found == cases
    page = (await ada.get(f"/v1/cases/changes?cursor={cursor}")).json()
    assert page["cases"] == []
    cursor = page["next"]
    seen = await ada.get(f"/v1/cases/{cases[0]}")
    await ada.post(f"/v1/cases/{cases[0]}/take", if_match=seen.headers["etag"])
    page = (await ada.get(f"/v1/cases/changes?cursor={cursor}")).json()
    assert [(each["case_id"], each["stage"]) for each in page["cases"]] == [(cases[0], "assigned")]
    ahead = base64.urlsafe_b64encode(b'[4611686018427387000,"x"]').decode().rstrip("=")
    for wrong in ("nonsense", "W10", ahead, "%00"):
        assert problem(await ada.get(f"/v1/cases/changes?cursor={wrong}"))[0] == 422


async def test_the_next_case_is_one_persons_and_says_why(console: Console) -> None:
    """Of many who ask at once, none gets the same; who has enough is told so; nothing left is no problem."""
    for number in range(3):
        await console.person(f"p{number}", Role.ANALYST)
    cases = {await console.case() for _ in range(3)}
    given = await asyncio.gather(*(console.client(f"p{number}").post("/v1/cases/next") for number in range(3)))
    assert {each.json()["case"]["case_id"] for each in given} == cases
    assert {each.json()["because"] for each in given} == {"grave"}
    assert all(each.headers["etag"] for each in given)
    nothing = await console.client("p0").post("/v1/cases/next")
    assert (nothing.status_code, nothing.json()["case"]) == (200, None)
    for _ in range(2):
        await console.case()
        await console.client("p0").post("/v1/cases/next")
    assert problem(await console.client("p0").post("/v1/cases/next")) == (409, "enough_in_hand")


async def test_lists_go_on_where_they_ended(console: Console) -> None:
    """Every case once, grave ones first, also where one moment has several; what is no cursor of ours is refused."""
    await console.person("ada", Role.ANALYST)
    made = [await console.case(severity=each) for each in ("medium", "high", "medium", "high", "medium")]
    ada, found, cursor = console.client("ada"), [], ""
    while True:
        page = (await ada.get(f"/v1/cases?limit=2&cursor={cursor}")).json()
        found += page["cases"]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert [each["severity"] for each in found] == ["high"] * 2 + ["medium"] * 3
    assert sorted(each["case_id"] for each in found) == sorted(made)
    for wrong in (
        "x",
        "bnVsbA",
        "W10",
        "WzIsMCwwLCJhIl0",
        "WzAsMCw5OTk5OTk5OTk5OTk5OTk5OTk5OTksImEiXQ",
        "%F0%9F%99%82",
    ):
        assert problem(await ada.get(f"/v1/cases?cursor={wrong}")) == (422, "bad_cursor")


async def test_counts_name_nobody_and_keep_no_session_alive(console: Console) -> None:
    """A page that asks by itself is no use of the session: it ends after a quarter of an hour all the same."""
    await console.person("ada", Role.ANALYST)
    before = console.now.isoformat().replace("+00:00", "Z")
    await console.case()
    entries = len(await console.entries())
    ada = console.client("ada")
    path = "/v1/cases/waiting?since=2025-01-01T00:00:00Z"
    counted = (await ada.get(path)).json()
    assert (counted["running"], counted["waiting"], counted["grave"], counted["new"]) == (1, 1, 1, 1)
    assert (await ada.get(f"/v1/cases/waiting?since={before}")).json()["new"] == 0
    assert len(await console.entries()) == entries
    assert problem(await ada.get("/v1/cases/waiting?since=2025-01-01T00:00:00")) == (422, "malformed")
    for beyond in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00"):
        assert problem(await ada.get(f"/v1/cases/waiting?since={beyond}")) == (422, "malformed")
    for _ in range(4):
        console.later(minutes=4)
        answer = await ada.get(path)
    assert problem(answer) == (401, "not_signed_in")


_OS: Final = {"field": "device.os", "op": "eq", "value": "android"}
_PATTERN_DEEDS: Final = ("propose", "approve", "reject", "live", "withdraw")
_LOOK: Final = "0" * 32
ROUTES: Final[list[tuple[str, str, Any]]] = [
    ("GET", "/v1/cases", None),
    ("GET", "/v1/cases/changes", None),
    ("GET", "/v1/cases/waiting?since=2025-01-01T00:00:00Z", None),
    ("GET", "/v1/stream", None),
    ("POST", "/v1/cases/next", {}),
    ("POST", "/v1/cases/bulk", {"deed": "take", "cases": [{"case_id": "no-such", "version": "1.1"}]}),
    ("GET", "/v1/cases/CASE", None),
    ("GET", "/v1/cases/CASE/attempts", None),
    ("POST", "/v1/cases/CASE/notes", {"text": "the same mask"}),
    ("POST", "/v1/cases/CASE/take", {}),
    ("POST", "/v1/cases/CASE/assign", {"to": "ada"}),
    ("POST", "/v1/cases/CASE/release", {}),
    ("POST", "/v1/cases/CASE/review", {}),
    ("POST", "/v1/cases/CASE/know", {"reason": "as in May"}),
    ("POST", "/v1/cases/CASE/novel", {"reason": "in no pattern"}),
    ("POST", "/v1/cases/CASE/high-risk", {"reason": "it passes everywhere"}),
    ("POST", "/v1/cases/CASE/snooze", {"reason": "Monday", "until": "2026-03-03T00:00:00Z"}),
    ("POST", "/v1/cases/CASE/wake", {}),
    ("POST", "/v1/cases/CASE/reopen", {"reason": "a third claim"}),
    ("POST", "/v1/cases/CASE/merge", {"reason": "one attack", "into": "no-such"}),
    ("POST", "/v1/cases/CASE/unmerge", {"reason": "another attack"}),
    ("POST", "/v1/cases/CASE/clear", {"reason": "poor light"}),
    ("POST", "/v1/cases/CASE/threat", {"reason": "a mask", "attack": "presentation"}),
    ("POST", "/v1/cases/CASE/approve", {}),
    ("POST", "/v1/cases/CASE/reject", {"reason": "a collar"}),
    ("POST", "/v1/cases/CASE/refer", {"reason": "novel"}),
    ("POST", "/v1/cases/CASE/close", {"reason": "a mask"}),
    ("POST", "/v1/rereviews/next", {}),
    ("POST", "/v1/rereviews/no-such/finding", {"verdict": "cleared", "reason": "poor light"}),
    ("GET", "/v1/rereviews/agreement", None),
    ("GET", "/v1/patterns", None),
    ("GET", "/v1/patterns/emulators", None),
    ("POST", "/v1/patterns", {"pattern_id": "emulators", "description": "x", "severity": "low", "predicate": _OS}),
    *(("POST", f"/v1/patterns/emulators/{deed}", {"reason": "ticket 4711"}) for deed in _PATTERN_DEEDS),
    ("POST", "/v1/lookbacks", {"kind": "hunt", "pattern_id": "emulators"}),
    ("GET", f"/v1/lookbacks/{_LOOK}", None),
    ("GET", "/v1/tenants", None),
    ("GET", "/v1/rates?tenant=acme&since=2026-01-01T00:00:00Z", None),
    ("GET", "/v1/handsets?tenant=acme&since=2026-01-01T00:00:00Z", None),
    ("GET", "/v1/what-if?tenant=acme&since=2026-01-01T00:00:00Z&liveness_threshold=0.5", None),
    ("GET", "/v1/det?tenant=acme&since=2026-01-01T00:00:00Z&check=match", None),
    ("GET", "/v1/windows?tenant=acme&since=2026-01-01T00:00:00Z", None),
    ("GET", "/v1/anomalies?tenant=acme", None),
    ("GET", "/v1/policies", None),
    ("GET", "/v1/policies/POLICY", None),
    ("GET", "/v1/audit", None),
    ("GET", "/v1/audit/ENTRY", None),
    ("GET", "/v1/audit/ENTRY/verified", None),
    ("GET", "/v1/health", None),
]
FOR_EVERYBODY: Final = {"/v1/session", "/v1/session/end"}


def _templated(path: str) -> str:
    return (
        path.partition("?")[0]
        .replace("CASE", "{case_id}")
        .replace("no-such", "{disposition_id}")
        .replace("ENTRY", "{index}")
        .replace("emulators", "{pattern_id}")
        .replace("POLICY", "{policy_hash}")
        .replace(_LOOK, "{lookback_id}")
    )


async def test_no_route_is_forgotten_here(console: Console) -> None:
    """What the OpenAPI document names is asked below, by nobody, the wrong role, another tenant, for another case."""
    document = (await console.client().get("/openapi.json")).json()
    named = {(method.upper(), path) for path, of in document["paths"].items() for method in of}
    asked = {(method, _templated(path)) for method, path, _ in ROUTES}
    assert {(method, path) for method, path in named if path not in FOR_EVERYBODY} == asked


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_every_route_is_for_those_whom_it_is_for(console: Console, method: str, path: str, body: Any) -> None:
    """No session, a session that ended, a wrong role, a wrong tenant, a wrong object: nothing is done or told."""
    for name, role, tenants in (
        ("ada", Role.ANALYST, None),
        ("gone", Role.ANALYST, None),
        ("root", Role.ADMIN, None),
        ("eve", Role.CHECKER, ("other",)),
        ("rita", Role.RESEARCHER, None),
    ):
        await console.person(name, role, tenants=tenants)
    await console.client("gone").post("/v1/session/end")
    case = await console.case()
    tag = (await console.client("ada").get(f"/v1/cases/{case}")).headers["etag"]
    before = (
        await console.pool.fetch("select * from triage.cases"),
        await console.pool.fetch("select * from triage.assignments"),
    )

    async def asked(name: str | None, of: str = case) -> httpx.Response:
        client, where = console.client(name), path.replace("CASE", of).replace("ENTRY", "0").replace("POLICY", "0" * 32)
        given = {"if_match": tag, "idempotency_key": "k"}
        return await (client.get(where) if method == "GET" else client.post(where, body, **given))

    for nobody in (None, "gone"):
        assert problem(await asked(nobody)) == (401, "not_signed_in")
    if "health" in path:
        return
    assert problem(await asked("root")) == (403, "role_missing")
    if "stream" in path:
        return  # it has no end: test_stream.py listens as these do
    of_another = [await asked("eve"), await asked("rita")]
    if "CASE" in path:
        of_another += [await asked("ada", of) for of in ("no-such", "..%2fx", "%ff")]
        assert {each.status_code for each in of_another} <= {404, 422}
        assert {problem(each)[1] for each in of_another} <= {"no_such_case", "malformed", "no_such_page"}
    for each in of_another:
        assert case not in each.text
    after = (
        await console.pool.fetch("select * from triage.cases"),
        await console.pool.fetch("select * from triage.assignments"),
    )
    assert before == after


async def test_what_another_site_sends_changes_nothing(console: Console) -> None:
    """Neither from another origin, nor as a form, nor where the browser says that it is of another site."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    for headers in (
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
    ):
        for path in ("/v1/cases/next", f"/v1/cases/{case}/take", "/v1/session/end"):
            assert problem(await ada.post(path, **headers)) == (403, "cross_site")
    assert await console.pool.fetchval("select count(*) from triage.assignments") == 0


async def test_a_stranger_reads_the_document_and_nothing_else(console: Console) -> None:
    """Pages lead to the sign-in; what is not there says nothing of what is."""
    stranger = console.client()
    assert (await stranger.get("/openapi.json")).status_code == 200
    for path in ("/", "/queue", "/cases/x"):
        answer = await stranger.get(path)
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/sign-in")
    for path in ("/docs", "/redoc", "/v1/", "/v1/cases/x/y/z", "/static/console.js", "/static/..%2fapp.py"):
        assert (await stranger.get(path)).status_code == 404
    large = await stranger.post("/v1/session", {"name": "x" * 20_000})
    assert problem(large) == (413, "too_large")


async def test_what_breaks_inside_says_nothing_of_why(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    await console.person("ada", Role.ANALYST)

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("a secret")

    monkeypatch.setattr("services.triage.adapters.desk.PostgresDesk.listed", broken)
    answer = await console.client("ada").get("/v1/cases")
    assert (problem(answer), "secret" in answer.text) == ((500, "failed"), False)
