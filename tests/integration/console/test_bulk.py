"""A deed on many cases, by the API and by pages: a result for each, once for a key, nothing of what is another's."""

import re
from typing import Any

import httpx
import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Client, Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_pages import seen


async def asked(client: Client, cases: list[str], key: str | None = "k1", **given: Any) -> httpx.Response:
    listed = (await client.get("/v1/cases?limit=500")).json().get("cases", [])
    versions = {each["case_id"]: each["version"] for each in listed}
    named = [{"case_id": each, "version": versions.get(each, "1.1")} for each in cases]
    headers = {} if key is None else {"idempotency_key": key}
    return await client.post("/v1/cases/bulk", {"cases": named, **given}, **headers)


async def test_each_case_has_the_answer_that_it_alone_would_have_had(console: Console) -> None:
    """Of another tenant, taken by another, changed meanwhile, done; asked again it is told as it was."""
    await console.person("ada", Role.ANALYST, tenants=("acme",))
    await console.person("bob", Role.ANALYST)
    cases = [await console.case() for _ in range(3)]
    theirs = await console.case(tenant="other", suspicion_id="of-another")
    ada, bob = console.client("ada"), console.client("bob")
    await bob.post(f"/v1/cases/{cases[1]}/take", if_match=f'"{await seen(bob, cases[1])}"')
    answer = await asked(ada, [*cases, theirs], deed="take")
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert found["done"] == 2
    assert [(each["status"], each["code"]) for each in found["results"]] == [
        (200, "done"), (409, "assigned_to_another"), (200, "done"), (404, "no_such_case"),
    ]  # fmt: skip
    assert found["results"][3]["version"] is None
    assert [each["version"] for each in found["results"][:3]] == [await seen(ada, each) for each in cases]
    changed = await ada.post("/v1/cases/bulk", {"deed": "release", "cases": [{"case_id": cases[0], "version": "1.0"}]},
                             idempotency_key="k2")  # fmt: skip
    assert [(each["status"], each["code"]) for each in changed.json()["results"]] == [(412, "case_changed")]


async def test_what_is_no_request_of_ours_does_nothing(console: Console) -> None:
    """Without a key, a reason, a case; with one twice, too many, or a key of something else."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    assert problem(await asked(ada, [case], None, deed="take")) == (422, "idempotency_key_missing")
    assert problem(await asked(ada, [case], "a b", deed="take")) == (422, "idempotency_key_missing")
    for cases, given, code in (
        ([], {"deed": "take"}, "malformed"),
        ([case, case], {"deed": "take"}, "malformed"),
        ([f"c{number}" for number in range(501)], {"deed": "take"}, "malformed"),
        ([case], {"deed": "unmerge", "reason": "x"}, "malformed"),
        ([case], {"deed": "close"}, "reason_missing"),
        ([case], {"deed": "assign"}, "malformed"),
        ([case], {"deed": "snooze", "reason": "x"}, "malformed"),
        ([case], {"deed": "merge", "reason": "x"}, "malformed"),
        ([case], {"deed": "threat", "reason": "x", "attack": "impostor", "species": "y"}, "malformed"),
    ):
        assert problem(await asked(ada, cases, **given)) == (422, code), given
    assert await console.pool.fetchval("select count(*) from triage.bulks") == 0
    assert (await asked(ada, [case], deed="take")).status_code == 200
    assert problem(await asked(ada, [case], deed="release")) == (422, "key_reused")


def hidden(page: str) -> list[tuple[str, str]]:
    form = page.split('action="/bulk/do">', 1)[1].split("</form>", 1)[0]
    return re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)


async def test_many_are_chosen_in_the_queue_and_what_became_of_each_is_a_page(console: Console) -> None:
    """A form that is sent twice is done once; its page can be come back to, and is nobody else's."""
    await console.person("ada", Role.ANALYST)
    await console.person("bob", Role.ANALYST)
    cases, ada = [await console.case() for _ in range(3)], console.client("ada")
    queue = (await ada.get("/queue")).text
    boxes = re.findall(r'form="bulk" name="case" value="([^"]+)"', queue)
    assert len(boxes) == 3
    assert '<button name="deed" value="take"' in queue
    page = await ada.form_of("/bulk", [("deed", "take"), *(("case", each) for each in boxes)])
    assert "Take 3 cases" in page.text
    given = hidden(page.text)
    await console.pool.execute("update triage.cases set queue = queue where case_id = $1", cases[1])
    for _ in range(2):
        done = await ada.form_of("/bulk/do", given)
        assert done.status_code == 303, done.text
        told = (await ada.get(done.headers["location"])).text
        assert "2 of 3 cases done" in told
        assert "The case has changed since you looked" in told
    assert await console.pool.fetchval("select count(*) from triage.assignments") == 2
    assert (await console.client("bob").get(done.headers["location"])).status_code == 404
    assert (await ada.form_of("/bulk", [("deed", "take")])).headers["location"] == "/queue?told=unchosen"


@pytest.mark.parametrize(
    ("deed", "written", "field"),
    [("close", {"reason": " "}, "reason"), ("snooze", {"reason": "x", "hours": "7"}, "hours"),
     ("refer", {"reason": "x" * 2_001}, "reason"), ("assign", {"to": ""}, "to"),
     ("threat", {"reason": "x", "attack": "impostor", "species": "mask"}, "species")],
)  # fmt: skip
async def test_what_is_refused_of_many_is_told_beside_its_field(
    console: Console, deed: str, written: dict[str, str], field: str
) -> None:
    """With the cases that were chosen still there, and the same key."""
    await console.person("ada", Role.ANALYST, Role.CHECKER)
    case, ada = await console.case(), console.client("ada")
    chosen = [("deed", deed), ("case", f"{case} {await seen(ada, case)}")]
    given = hidden((await ada.form_of("/bulk", chosen)).text)
    answer = await ada.form_of("/bulk/do", [*given, *written.items()])
    assert answer.status_code == 422
    assert hidden(answer.text) == given
    tag = re.search(rf'<(?:input|select)[^>]*name="{field}"[^>]*>', answer.text.split('action="/bulk/do">', 1)[1])
    assert tag
    assert 'aria-describedby="refused"' in tag[0]


async def test_a_rest_that_is_asked_twice_is_one(console: Console) -> None:
    """Until when, follows from when the form was made."""
    await console.person("carl", Role.CHECKER)
    case, carl = await console.case(), console.client("carl")
    chosen = [("deed", "snooze"), ("case", f"{case} {await seen(carl, case)}")]
    given = [*hidden((await carl.form_of("/bulk", chosen)).text), ("reason", "noon"), ("hours", "4")]
    places = []
    for _ in range(2):
        places.append((await carl.form_of("/bulk/do", given)).headers["location"])
        console.later(minutes=1)
    assert places[0] == places[1]
    assert "1 of 1 case done" in (await carl.get(places[0])).text
