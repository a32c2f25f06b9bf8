"""Who is given how many cases, of which queue, and why a case came to somebody."""

import pytest

from proofwatch.access.roles import Role
from services.triage.core.limits import Limits
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem
from tests.integration.console.test_pages import seen


async def limited(console: Console, **given: str) -> None:
    await console.end()
    console.settings = console.settings.model_copy(update=given)
    await console.begin()


async def test_a_person_and_a_queue_have_limits_of_their_own(console: Console) -> None:
    """The next case is of a queue of which one has not enough; pages say the person's own limit."""
    for name in ("ada", "bob"):
        await console.person(name, Role.ANALYST, Role.RESEARCHER)
    cases = [await console.case() for _ in range(6)]
    await console.pool.execute("update triage.cases set queue = 'research' where case_id = any($1)", cases[:3])
    await limited(console, cases_in_hand_by_queue="research=1", cases_in_hand_by_person="ada=2")
    ada, bob = console.client("ada"), console.client("bob")
    given = [(await ada.post("/v1/cases/next")).json()["case"]["queue"] for _ in range(2)]
    assert sorted(given) in (["research", "soc"], ["soc", "soc"])
    assert problem(await ada.post("/v1/cases/next")) == (409, "enough_in_hand")
    assert "You hold 2 of at most 2" in (await ada.get("/")).text
    given = [(await bob.post("/v1/cases/next")).json()["case"]["queue"] for _ in range(3)]
    assert given.count("research") <= 1
    assert "You hold 3 of at most 3" in (await bob.get("/queue")).text


async def test_who_has_enough_of_their_only_queue_is_told_of_which(console: Console) -> None:
    await console.person("ada", Role.ANALYST)
    for _ in range(2):
        await console.case()
    await limited(console, cases_in_hand_by_queue="soc=1")
    ada = console.client("ada")
    await ada.post("/v1/cases/next")
    refused = await ada.post("/v1/cases/next")
    assert problem(refused) == (409, "enough_in_hand")
    assert "1 is the most of the queue soc" in refused.json()["detail"]


async def test_the_page_of_a_case_says_why_it_came_to_who_has_it(console: Console) -> None:
    """Taken, given by whom, or the next, and why it was."""
    for name, role in (("ada", Role.ANALYST), ("carl", Role.CHECKER)):
        await console.person(name, role)
    first, second = await console.case(), await console.case()
    ada, carl = console.client("ada"), console.client("carl")
    next_one = (await ada.post("/v1/cases/next")).json()["case"]["case_id"]
    other = second if next_one == first else first
    assert "It came to you as the next case: it is grave" in (await ada.get(f"/cases/{next_one}")).text
    assert "It came to ada as the next case: it is grave" in (await carl.get(f"/cases/{next_one}")).text
    await ada.post(f"/v1/cases/{other}/take", if_match=f'"{await seen(ada, other)}"')
    assert "You took it" in (await ada.get(f"/cases/{other}")).text
    await ada.post(f"/v1/cases/{other}/release", if_match=f'"{await seen(ada, other)}"')
    await carl.post(f"/v1/cases/{other}/assign", {"to": "ada"}, if_match=f'"{await seen(carl, other)}"')
    assert "carl gave it to you" in (await ada.get(f"/cases/{other}")).text
    work = (await ada.get(f"/v1/cases/{other}")).json()["work"]
    assert [(each["why"], each["assigned_by_name"]) for each in work] == [("take", "ada"), ("assign", "carl")]


@pytest.mark.parametrize(
    ("by_queue", "by_person"), [("other=1", ""), ("soc", ""), ("soc=x", ""), ("soc=0", ""), ("", "ada"), ("", "=3")]
)
def test_limits_that_cannot_be_are_refused_with_what_would_be_right(by_queue: str, by_person: str) -> None:
    with pytest.raises(ValueError, match="such as"):
        Limits.read(20, by_queue, by_person)
