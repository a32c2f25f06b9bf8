"""Machines: a token reads what it is for, of its tenants, until it ends; everything else it is refused."""

import asyncio
import re
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from proofwatch.access.roles import Role
from proofwatch.access.scopes import Scope
from proofwatch.access.token_register import PostgresTokens
from services.console.who import COOKIE
from tests.integration.access.house import BY
from tests.integration.console.house import Console
from tests.integration.console.listener import listening
from tests.integration.console.test_api import ROUTES, problem
from tests.integration.console.test_stream import ending

OF: Final = {
    "/v1/cases": Scope.CASES,
    "/v1/cases/CASE": Scope.CASES,
    "/v1/cases/CASE/attempts": Scope.CASES,
    "/v1/cases/waiting": Scope.CASES,
    "/v1/cases/changes": Scope.CHANGES,
    "/v1/tenants": Scope.FIGURES,
    "/v1/rates": Scope.FIGURES,
    "/v1/handsets": Scope.FIGURES,
    "/v1/what-if": Scope.FIGURES,
    "/v1/det": Scope.FIGURES,
    "/v1/windows": Scope.FIGURES,
    "/v1/anomalies": Scope.FIGURES,
    "/v1/health": Scope.HEALTH,
    "/v1/stream": Scope.CASES,
    "/v1/patterns": Scope.PATTERNS,
    "/v1/patterns/emulators": Scope.PATTERNS,
    f"/v1/lookbacks/{'0' * 32}": Scope.PATTERNS,
    "/v1/audit": Scope.AUDIT,
    "/v1/audit/ENTRY": Scope.AUDIT,
    "/v1/audit/ENTRY/verified": Scope.AUDIT,
}
"""By hand: what a machine may read, and by which scope. Every other route is for people."""
NOTHING: Final = ("nothing_found", "no_such_pattern", "no_such_entry", "no_such_lookback")


async def token(console: Console, *scopes: Scope, tenants: tuple[str, ...] | None = None, days: int = 90) -> str:
    expires = console.now + timedelta(days=days)
    return await PostgresTokens(console.pool).create("siem", scopes, tenants, expires, BY, console.now)


async def asked(
    console: Console, given: str, path: str, method: str = "GET", body: Any = None, **headers: str
) -> httpx.Response:
    headers = {"authorization": f"Bearer {given}", **{name.replace("_", "-"): each for name, each in headers.items()}}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{console.port}", timeout=30) as client:
        if method == "GET":
            return await client.get(path, headers=headers)
        return await client.request(method, path, headers={"origin": console.origin, **headers}, json=body)


def scope_of(method: str, path: str) -> Scope | None:
    return OF.get(path.partition("?")[0]) if method == "GET" else None


def _named(path: str) -> str:
    for given, by in (
        ("{case_id}", "CASE"),
        ("{pattern_id}", "emulators"),
        ("{index}", "ENTRY"),
        ("{lookback_id}", "0" * 32),
    ):
        path = path.replace(given, by)
    return path


async def test_the_document_says_which_scope_reads_what(console: Console) -> None:
    document = (await console.client().get("/openapi.json")).json()
    said = {
        (method.upper(), _named(path)): [each for one in of["security"] for each in one["token"]]
        for path, methods in document["paths"].items()
        for method, of in methods.items()
        if "security" in of
    }
    assert said == {("GET", path): [scope] for path, scope in OF.items()}


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_every_route_takes_the_scope_that_it_names_and_no_other(
    console: Console, method: str, path: str, body: Any
) -> None:
    """With every scope but its own, of another tenant, for another case: refused; what changes anything, by any."""
    case = await console.case()
    needed = scope_of(method, path)
    of_all = await token(console, *Scope)
    elsewhere = await token(console, *Scope, tenants=("other",))
    lacking = await token(console, *(each for each in Scope if each is not needed))
    where = path.replace("CASE", case).replace("ENTRY", "0")
    before = await console.pool.fetch("select * from triage.cases"), await console.entries()
    given = {"if_match": '"1.1"', "idempotency_key": "k"}
    if needed is None:
        for each in (of_all, lacking):
            assert problem(await asked(console, each, where, method, body, **given)) == (401, "not_signed_in")
        assert (await console.pool.fetch("select * from triage.cases"), await console.entries()) == before
        return
    refused = await asked(console, lacking, where)
    assert problem(refused) == (403, "scope_missing")
    assert f'scope="{needed}"' in refused.headers["www-authenticate"]
    if "stream" in path:
        return  # it has no end: a machine listens below
    answer = await asked(console, of_all, where)
    assert answer.status_code == 200 or answer.json()["code"] in NOTHING, answer.text
    assert case not in (await asked(console, elsewhere, where)).text
    if "CASE" in path:
        assert problem(await asked(console, elsewhere, where)) == (404, "no_such_case")
        assert problem(await asked(console, of_all, "/v1/cases/no-such")) == (404, "no_such_case")
    if "tenant=" in path:
        assert problem(await asked(console, elsewhere, where)) == (403, "tenant_not_yours")


async def test_what_a_machine_reads_is_an_entry_with_its_name(console: Console) -> None:
    """By the token's id, with the scope that let it, and for what; no person stands there."""
    case, given = await console.case(), await token(console, Scope.CASES, Scope.FIGURES, tenants=("acme",))
    for path in ("/v1/cases", f"/v1/cases/{case}", "/v1/rates?tenant=acme&since=2026-01-01T00:00:00Z"):
        await asked(console, given, path)
    found = [each for each in await console.entries() if each.action in ("cases.read", "data.asked")]
    assert [(each.actor.kind, each.actor.id) for each in found] == [("service", "machine siem")] * 3
    assert {each.details["identity"] for each in found} == {f"token {given[3:11]}"}
    assert [each.details["role"] for each in found] == ["cases:read", "cases:read", "figures:read"]
    assert all(each.purpose for each in found)
    used = await console.pool.fetchval("select used_at from access.tokens")
    assert used == console.now


async def test_a_case_of_the_research_group_is_there_for_a_machine(console: Console) -> None:
    """It follows what happens with cases; that people of the group see theirs alone is about people."""
    await console.person("ada", Role.ANALYST)
    mine, its = await console.case(), await console.case()
    ada = console.client("ada")
    tag = (
        await ada.post(f"/v1/cases/{its}/take", if_match=(await ada.get(f"/v1/cases/{its}")).headers["etag"])
    ).headers
    await ada.post(f"/v1/cases/{its}/refer", {"reason": "novel"}, if_match=tag["etag"])
    given = await token(console, Scope.CASES)
    found = (await asked(console, given, "/v1/cases")).json()["cases"]
    assert {each["case_id"] for each in found} == {mine, its}
    assert all(each["deeds"] == [] for each in found), "there is nothing that it could do"


async def test_a_token_ends_by_its_day_and_at_once_by_a_revocation(console: Console) -> None:
    """The next call is refused; the log has it once an hour, not each time that a program asks on."""
    register = PostgresTokens(console.pool)
    short, long = await token(console, Scope.CASES, days=1), await token(console, Scope.CASES)
    assert (await asked(console, long, "/v1/cases")).status_code == 200
    await register.revoke(f"pw_{long[3:11]}", BY, console.now)
    assert problem(await asked(console, long, "/v1/cases")) == (401, "token_refused"), "it was used a moment ago"
    console.later(days=1)
    for given, why in ((long, "revoked"), (short, "expired")):
        for _ in range(3):
            answer = await asked(console, given, "/v1/cases")
            assert problem(answer) == (401, "token_refused")
            assert "Bearer" in answer.headers["www-authenticate"]
        told = [each for each in await console.entries() if each.action == "access.token_refused"]
        whys = [each.details["why"] for each in told if each.objects[0].id == given[3:11]]
        assert whys == [why] * (2 if given == long else 1), "of one that was asked with a day before, once more"
    console.later(hours=1)
    await asked(console, short, "/v1/cases")
    assert sum(each.action == "access.token_refused" for each in await console.entries()) == 4


async def test_a_token_is_no_cookie_no_address_and_no_session(console: Console) -> None:
    """Pages do not know it; as a cookie it is nobody's; a session's token is none of a machine."""
    await console.person("ada", Role.ANALYST)
    given = await token(console, *Scope)
    for path in ("/", "/queue", "/rates", "/approvals"):
        assert (await asked(console, given, path)).headers["location"].startswith("/sign-in")
    console.tokens["siem"] = given
    assert problem(await console.client("siem").get("/v1/cases")) == (401, "not_signed_in")
    assert problem(await console.client().get(f"/v1/cases?access_token={given}")) == (401, "not_signed_in")
    for wrong in (console.tokens["ada"], given[:-1], given[:-1] + ("A" if given[-1] != "A" else "B"), "x", "pw_"):
        answer = await asked(console, wrong, "/v1/cases", cookie=f"{COOKIE}={console.tokens['ada']}")
        assert problem(answer) == (401, "token_refused")
    stored = " ".join(str(row) for row in await console.pool.fetch("select t::text from access.tokens t"))
    assert given not in stored
    assert not any(re.search(r"pw_[0-9a-f]{8}_", str(each)) for each in await console.entries())


async def test_who_calls_too_often_is_told_when_to_ask_again(console: Console) -> None:
    """Each session and each token for itself, on pages too; what is refused is read by nobody."""
    await console.end()
    paces = {"console_calls_a_minute": 60, "console_token_calls_a_minute": 10}
    console.settings = console.settings.model_copy(update=paces)
    await console.begin()
    await console.person("ada", Role.ANALYST)
    await console.person("bob", Role.ANALYST)
    given, other = await token(console, Scope.HEALTH), await token(console, Scope.HEALTH)
    ada = console.client("ada")
    answers = await asyncio.gather(*(asked(console, given, "/v1/health") for _ in range(40)))
    late = [each for each in answers if each.status_code != 200]
    assert len(answers) - len(late) >= 10
    assert {problem(each) for each in late} == {(429, "too_many_calls")}
    assert all(int(each.headers["retry-after"]) >= 1 for each in late)
    assert (await asked(console, other, "/v1/health")).status_code == 200
    answers = await asyncio.gather(*(ada.get(path) for path in ("/queue", "/v1/health") * 80))
    assert {each.status_code for each in answers} == {200, 429}
    assert all("retry-after" in each.headers for each in answers if each.status_code == 429)
    assert (await console.client("bob").get("/v1/health")).status_code == 200


async def test_a_machine_hears_news_of_its_tenants_until_its_token_ends(console: Console) -> None:
    """Ids and versions, nothing of another tenant; a revocation ends an open stream within seconds, as its day does."""
    given, elsewhere = await token(console, Scope.CASES), await token(console, Scope.CASES, tenants=("other",))
    short = await token(console, Scope.CASES, days=1)
    async with (
        listening(console, token=given) as listener,
        listening(console, token=elsewhere) as other,
        listening(console, token=short) as ends,
    ):
        for each in (listener, other, ends):
            await each.until_id()
        case, own = await console.case(), await console.case(tenant="other")
        event = await listener.next()
        assert event is not None
        assert event.data["case_id"] == case
        event = await other.next()
        assert event is not None
        assert event.data["case_id"] == own
        await PostgresTokens(console.pool).revoke(f"pw_{given[3:11]}", BY, console.now)
        assert await ending(listener) == "not_signed_in"
        console.later(days=1)
        assert await ending(ends) == "not_signed_in"
        third = await console.case(tenant="other")
        event = await other.next()
        assert event is not None
        assert event.data["case_id"] == third, "another token's goes on"
    async with listening(console, token=given) as refused:
        assert problem(refused.answer) == (401, "token_refused")


async def test_a_machine_reads_patterns_and_the_log_of_its_tenants(console: Console) -> None:
    """Each on record under the token's id; the whole log for a token of all tenants, else that of one that is named."""
    given = await token(console, Scope.PATTERNS, Scope.AUDIT, tenants=("acme", "bank"))
    assert (await asked(console, given, "/v1/patterns")).json() == {"patterns": []}
    for query, status in (("", 403), ("?tenant=acme", 200), ("?tenant=other", 403), ("?tenant=acme&scope=own", 403)):
        answer = await asked(console, given, f"/v1/audit{query}")
        assert answer.status_code == status, (query, answer.text)
    read = [each for each in await console.entries() if each.action in ("patterns.read", "data.asked")]
    assert {(each.actor.kind, each.actor.id) for each in read} == {("service", "machine siem")}
    assert {each.details["identity"] for each in read} == {f"token {given[3:11]}"}
    assert (await asked(console, await token(console, Scope.AUDIT), "/v1/audit")).status_code == 200
