"""Looking back as the console asks for it: by triage's process, once whatever is clicked twice or dies, and bounded."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from proofwatch.access.roles import Role
from proofwatch.instants import instant_of
from services.triage.adapters import lookback_runner, past
from services.triage.adapters.lookback_desk import NoSuchLookback, PostgresLookbacks
from services.triage.adapters.pattern_desk import PatternRefused, PostgresPatterns
from services.triage.core.lookbacks import Found, Lookback
from tests.integration.triage.conftest import LOG_MS
from tests.integration.triage.house import Desk
from tests.integration.triage.test_attempts import judge, verdict
from tests.integration.triage.test_looking_back import ANDROID, sent
from tests.integration.triage.test_patterns import TEXT, novel_case
from tests.unit.scorer.samples import transaction


def asked(number: int, kind: Any = "preview", **given: Any) -> Lookback:
    since = instant_of(LOG_MS) - timedelta(days=7)
    of = {"pattern_id": "emulators", "severity": None, "predicate": None, "case_id": None, "most": 500} | given
    return Lookback(
        f"look-{number}", kind, of["pattern_id"], None, of["severity"], of["predicate"], of["case_id"], None, "",
        instant_of(LOG_MS), since, of["most"], of.get("form"),
    )  # fmt: skip


class Looking:
    """People who look back."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.back = desk, PostgresLookbacks(PostgresPatterns(desk.pool))

    async def ask(self, name: str, what: Lookback) -> Lookback:
        return await self.back.ask(what, self.desk.tokens[name], self.desk.now)

    async def work(self, rounds: int = 6) -> None:
        """Let triage's process go on."""
        for _ in range(rounds):
            await self.desk.triage.service.step(idle=True)
        await self.desk.triage.settle()

    async def now(self, lookback_id: str) -> tuple[Lookback, Found]:
        row = await self.desk.pool.fetchrow("select * from triage.lookbacks where lookback_id = $1", lookback_id)
        told = Lookback(**{name: row[name] for name in Lookback._fields})
        return told, msgspec.json.decode(told.result, type=Found) if told.result else Found()

    async def hunted(self) -> Sequence[str]:
        rows = await self.desk.pool.fetch(
            "select transaction_id from triage.case_reasons where code like 'attack_pattern%' order by 1"
        )
        return [row[0] for row in rows]


@pytest.fixture
async def looking(desk: Desk) -> Looking:
    """A pattern in shadow, of Rita's case; Abe approved it."""
    for name, *roles in (("rita", Role.RESEARCHER), ("abe", Role.APPROVER), ("ann", Role.ANALYST)):
        await desk.person(name, *roles)
    await desk.person("olga", Role.RESEARCHER, tenants=("other",))
    patterns = PostgresPatterns(desk.pool)
    await patterns.draft("emulators", TEXT, await novel_case(desk, "rita"), desk.tokens["rita"], desk.now)
    await patterns.do("propose", "emulators", desk.tokens["rita"], desk.now, "seen in May")
    await patterns.do("approve", "emulators", desk.tokens["abe"], desk.now, "yes")
    return Looking(desk)


async def test_a_preview_says_how_many_by_day_of_whom_and_how_many_had_passed(looking: Looking) -> None:
    """Of the tenants of who asked; who sees fewer is not told."""
    desk = looking.desk
    await sent(desk, 0, 1, 30, device=ANDROID)
    await sent(desk, 2, 3)
    await sent(desk, 4, tenant="other", device=ANDROID)
    tx = transaction(1, "s1", 3_600.0)
    passed = msgspec.structs.replace(
        verdict(1), transaction_id=tx.transaction_id, subject_ref="s1", occurred_at=tx.occurred_at, decision="accept"
    )
    await judge(desk.triage, passed)
    await looking.ask("rita", asked(1))
    await looking.work()
    told, found = await looking.now("look-1")
    assert (told.state, told.progress, told.read, told.matched) == ("done", 1.0, 6, 4)
    assert (found.people, found.accepted, sum(each.matched for each in found.days)) == (4, 1, 4)
    with pytest.raises(NoSuchLookback):
        await looking.ask("olga", asked(1))
    await looking.ask("olga", asked(2))
    await looking.work()
    assert (await looking.now("look-2"))[0].matched == 1
    with pytest.raises(PatternRefused):
        await looking.ask("ann", asked(3))


async def test_a_hunt_is_one_however_often_it_is_clicked_and_bounded(looking: Looking) -> None:
    """By the same key, and by another while it runs: one hunt, which opens the newest; then the rest."""
    await sent(looking.desk, *range(10, 17), device=ANDROID)
    for key in (1, 1, 2):
        assert (await looking.ask("rita", asked(key, "hunt", most=3))).lookback_id == "look-1"
    with pytest.raises(PatternRefused):
        await looking.ask("abe", asked(4, "hunt"))
    await looking.work()
    told, found = await looking.now("look-1")
    assert (told.state, told.opened, told.chosen, found.known, found.left_out) == ("done", 3, None, 0, 4)
    assert await looking.hunted() == ["tx-14", "tx-15", "tx-16"]
    assert (await looking.ask("rita", asked(1, "hunt", most=3))).state == "done"
    await looking.ask("rita", asked(5, "hunt"))
    await looking.work()
    told, found = await looking.now("look-5")
    assert (told.opened, found.known, found.left_out) == (4, 3, 0)
    entries = [(each.action, each.outcome) for each in await looking.desk.entries() if "hunted" in each.action]
    once = [("pattern.hunted", "granted"), ("pattern.hunted", "granted"), ("pattern.hunted", "denied")]
    assert entries == [*once, ("pattern.hunted", "done"), ("pattern.hunted", "granted"), ("pattern.hunted", "done")]


async def test_who_dies_while_opening_leaves_a_hunt_that_opens_what_it_was_to_open(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it was published: another goes on, with the same ones, although newer ones have come meanwhile."""
    await sent(looking.desk, *range(10, 17), device=ANDROID)
    monkeypatch.setattr(lookback_runner, "_AT_ONCE", 2)
    opens = past.open_for_review

    async def dies(*given: Any) -> None:
        await opens(*given)
        raise KeyboardInterrupt

    monkeypatch.setattr(lookback_runner, "open_for_review", dies)
    await looking.ask("rita", asked(1, "hunt", most=4))
    with pytest.raises(KeyboardInterrupt):
        await looking.desk.triage.service.step(idle=True)
    assert (await looking.now("look-1"))[0].state == "opening"
    monkeypatch.setattr(lookback_runner, "open_for_review", opens)
    await sent(looking.desk, 18, 19, device=ANDROID)
    await looking.work()
    assert len(await looking.hunted()) == 2, "its lease holds"
    await looking.desk.pool.execute("update triage.lookbacks set taken_until = now() - interval '1 second'")
    await looking.work()
    told, _ = await looking.now("look-1")
    assert (told.state, told.opened) == ("done", 4)
    assert await looking.hunted() == ["tx-13", "tx-14", "tx-15", "tx-16"]


async def test_who_is_frozen_finds_that_another_went_on(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells and opens no more."""
    await sent(looking.desk, *range(10, 14), device=ANDROID)
    await looking.ask("rita", asked(1, "hunt"))
    reads = past.portions

    async def stolen(*given: Any) -> Any:
        await looking.desk.pool.execute("update triage.lookbacks set taken_by = 'another'")
        async for portion in reads(*given):
            yield portion

    monkeypatch.setattr(lookback_runner, "portions", stolen)
    await looking.work(1)
    told, _ = await looking.now("look-1")
    assert (told.state, told.opened) == ("reading", 0)
    assert await looking.hunted() == []


async def test_a_pattern_that_was_withdrawn_meanwhile_opens_nothing(looking: Looking) -> None:
    """That is said."""
    desk = looking.desk
    await sent(desk, 10, device=ANDROID)
    await looking.ask("rita", asked(1, "hunt"))
    await PostgresPatterns(desk.pool).do("withdraw", "emulators", desk.tokens["abe"], desk.now, "too broad")
    await looking.work()
    told, found = await looking.now("look-1")
    assert (told.state, "withdrawn" in found.failed) == ("failed", True)
    assert await looking.hunted() == []


async def test_what_members_of_a_case_share_is_told_to_who_works_on_it(looking: Looking) -> None:
    """Of the case's own transactions; nobody else asks, and nobody else is shown."""
    desk = looking.desk
    case = await novel_case(desk, "rita")
    of_case = await desk.pool.fetchval("select transaction_id from triage.case_reasons where case_id = $1", case)
    await sent(desk, 3, 4)
    await desk.pool.execute(
        "update triage.case_reasons set transaction_id = 'tx-9' where transaction_id = $1 and case_id = $2",
        of_case,
        case,
    )
    await sent(desk, 9, device=ANDROID)
    await looking.ask("rita", asked(1, "traits", pattern_id=None, case_id=case))
    await looking.work()
    _, found = await looking.now("look-1")
    offered = [(each.field, each.value) for each in found.shared if each.offered]
    assert ("device.os", "android") in offered
    await desk.person("rob", Role.RESEARCHER)
    with pytest.raises(PatternRefused):
        await looking.ask("rob", asked(2, "traits", pattern_id=None, case_id=case))
    with pytest.raises(NoSuchLookback):
        await looking.ask("rob", asked(1, "traits", pattern_id=None, case_id=case))
