"""Attack patterns as people work on them, from a case to the scorer's topic; on a real PostgreSQL."""

import pytest

from proofwatch.access.errors import NotAllowed
from proofwatch.access.roles import Role
from proofwatch.events import codec, topics
from proofwatch.events.types import AttackPattern
from services.triage.adapters.pattern_desk import NoSuchPattern, PatternRefused, PostgresPatterns
from services.triage.core.patterns import Text
from tests.integration.triage.house import Desk

TEXT = Text.of("emulators", "high", '{"field": "device.os", "op": "eq", "value": "android"}', "virtual_camera")


async def published(desk: Desk) -> list[AttackPattern]:
    """What is on the topic, once the lane has looked."""
    await desk.triage.service.step(idle=True)
    return [codec.ATTACK_PATTERN.decode(each.value) for each in await desk.triage.records(topics.ATTACK_PATTERNS)]


async def novel_case(desk: Desk, to: str) -> str:
    """A case that was found to be novel, which a researcher works on."""
    case = await desk.case()
    await desk.pool.execute("update triage.cases set queue = 'research', stage = 'novel' where case_id = $1", case)
    await desk.desk.do("take", case, desk.tokens[to], desk.now)
    await desk.pool.execute("update triage.cases set stage = 'novel' where case_id = $1", case)
    return case


@pytest.fixture
async def people(desk: Desk) -> Desk:
    """Rita and Rob research, Abe approves, Bea does both."""
    for name, *roles in (
        ("rita", Role.RESEARCHER),
        ("rob", Role.RESEARCHER),
        ("abe", Role.APPROVER),
        ("bea", Role.RESEARCHER, Role.APPROVER),
    ):
        await desk.person(name, *roles)
    return desk


async def entered(desk: Desk) -> list[tuple[str, str, str]]:
    names = {person_id: name for name, person_id in desk.ids.items()}
    return [
        (each.action, names[each.actor.id], each.outcome)
        for each in await desk.entries()
        if each.action.startswith("pattern")
    ]


async def test_a_pattern_goes_from_a_case_to_live_with_two_people_at_each_step(people: Desk) -> None:
    """Shadow first; each is published once, as the next revision; to withdraw takes one person."""
    desk, now = PostgresPatterns(people.pool), people.now
    rita, abe, bea = (people.tokens[each] for each in ("rita", "abe", "bea"))
    case = await novel_case(people, "rita")
    drafted = await desk.draft("emulators", TEXT, case, rita, now)
    assert (drafted.state, drafted.revision, drafted.case_id) == ("draft", 0, case)
    await desk.do("propose", "emulators", bea, now, "seen in May")
    assert await published(people) == []
    for token, why in ((bea, "your_own"), (rita, "role_missing")):
        with pytest.raises(PatternRefused) as refused:
            await desk.do("approve", "emulators", token, now, "mine")
        assert refused.value.why == why
    assert (await desk.do("approve", "emulators", abe, now, "as in May")).state == "shadow"
    (shadow,) = await published(people)
    assert (shadow.state, shadow.revision, shadow.species) == ("shadow", 1, "virtual_camera")
    await desk.do("live", "emulators", rita, now, "precise")
    with pytest.raises(PatternRefused):
        await desk.do("live", "emulators", rita, now, "again")
    live = await desk.do("approve", "emulators", abe, now, "yes")
    assert (live.state, live.revision, live.proposed_by) == ("live", 2, None)
    assert [each.state for each in await published(people)] == ["shadow", "published"]
    await desk.do("withdraw", "emulators", rita, now, "it matches a shop")
    assert [(each.state, each.revision) for each in await published(people)][2:] == [("withdrawn", 3)]
    await people.triage.settle()
    assert len(await published(people)) == 3, "once each"
    assert [each[0] + " " + each[1] for each in await entered(people) if each[2] == "done"] == [
        "pattern.drafted rita",
        "pattern.proposed bea",
        "pattern.approved abe",
        "pattern.live_proposed rita",
        "pattern.approved abe",
        "pattern.stopped rita",
    ]
    assert [each for each in await entered(people) if each[2] == "denied"] == [
        ("pattern.approved", "bea", "denied"),
        ("pattern.approved", "rita", "denied"),
        ("pattern.live_proposed", "rita", "denied"),
    ]
    _, found, history = await desk.one("emulators", abe, now)
    assert [each.deed for each in history] == ["draft", "propose", "approve", "live", "approve", "withdraw"]
    assert (history[0].name, history[-1].reason) == ("rita", "it matches a shop")
    again = await desk.draft("emulators", TEXT, case, rita, now)
    assert (again.state, again.revision) == ("draft", 3)
    assert found.state == "withdrawn"


async def test_a_draft_comes_from_a_case_that_who_writes_it_works_on_and_that_is_novel(people: Desk) -> None:
    """Not from another's, nor one that is not there, nor from none; each refusal is an entry."""
    desk, now = PostgresPatterns(people.pool), people.now
    rita, rob = people.tokens["rita"], people.tokens["rob"]
    case = await novel_case(people, "rita")
    for token, from_case, why in (
        (rob, case, "not_yours"),
        (rita, "no-such", "no_such_case"),
        (rita, None, "no_such_case"),
    ):
        with pytest.raises(PatternRefused) as refused:
            await desk.draft("emulators", TEXT, from_case, token, now)
        assert refused.value.why == why
    await people.pool.execute("update triage.cases set stage = 'known' where case_id = $1", case)
    with pytest.raises(PatternRefused) as refused:
        await desk.draft("emulators", TEXT, case, rita, now)
    assert refused.value.why == "not_novel"
    assert [each[2] for each in await entered(people)] == ["denied"] * 4
    with pytest.raises(NoSuchPattern):
        await desk.do("propose", "emulators", rita, now, "seen in May")


async def test_patterns_are_the_platforms_and_the_case_behind_one_is_its_tenants(people: Desk) -> None:
    """Who may not see the tenant sees the pattern and not the case; who may not read patterns is on record."""
    desk = PostgresPatterns(people.pool)
    case = await novel_case(people, "rita")
    await desk.draft("emulators", TEXT, case, people.tokens["rita"], people.now)
    other = await people.person("olga", Role.RESEARCHER, tenants=("other",))
    admin = await people.person("root", Role.ADMIN)
    now = people.now
    _, (seen,) = await desk.listed(other, now)
    assert (seen.pattern_id, seen.case_id, seen.tenant) == ("emulators", None, None)
    for asked in (
        desk.listed(admin, now),
        desk.one("emulators", admin, now),
        desk.do("withdraw", "emulators", admin, now),
    ):
        with pytest.raises(NotAllowed):
            await asked
    denied = [each for each in await entered(people) if each[1] == "root"]
    assert denied == [(each, "root", "denied") for each in ("patterns.read", "patterns.read", "pattern.stopped")]
