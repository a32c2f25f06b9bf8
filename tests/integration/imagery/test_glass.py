"""Breaking the glass: two people, minutes, a few grants; every way in which it opens nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg
import pytest

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.imagery.core.glass import Glass
from services.imagery.handlers.broker import Broker
from services.imagery.handlers.glass import BreakGlass
from services.imagery.handlers.refusals import Denied, NotSignedIn, Unavailable
from services.imagery.handlers.sweep import Sweep
from tests.integration.imagery.house import BY, CASE, House, all_of, asked, somebody_before
from tests.integration.imagery.test_broker import STEPS, end_session

WHY: Final = "the customer is on the phone, and Ada is ill"


class Pair:
    """Ada's case; Ben asks, Cleo, a checker, agrees."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.broker: Broker = house.broker()
        self.glass: BreakGlass = house.glass(self.broker)
        self.ben: Session
        self.cleo: Session

    async def sign_in(self) -> "Pair":
        self.ben, self.cleo = await self.house.sign_in("ben"), await self.house.sign_in("cleo")
        return self

    async def ask(self) -> Glass:
        return await self.glass.ask(self.ben.session_id, asked(reason=WHY))

    async def agree(self, glass: Glass, who: Session | None = None, reason: str = "I know of it") -> Glass:
        return await self.glass.agree((who or self.cleo).session_id, glass.glass_id, reason)

    async def view(self) -> bytes:
        lease = await self.broker.lease(self.ben.session_id, asked(reason=WHY))
        return await all_of(await self.broker.show(self.ben.session_id, lease.lease_id, sharp=True))

    async def denied(self, act: Awaitable[Any]) -> str:
        """Return why it was denied; the last entry says the same."""
        with pytest.raises(Denied) as error:
            await act
        last = (await self.house.entries())[-1]
        assert (last.outcome, last.details["reason_code"]) == ("denied", error.value.code)
        return error.value.code


@pytest.fixture
async def pair(house: House) -> Pair:
    await house.add("ben")
    await house.add("cleo", Role.CHECKER)
    return await Pair(house).sign_in()


async def test_what_two_agree_on_opens_and_each_step_of_it_is_an_entry(pair: Pair) -> None:
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "case_not_assigned"
    glass = await pair.ask()
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_not_agreed"
    agreed = await pair.agree(glass)
    assert (agreed.expires_at - pair.house.now).total_seconds() == 30 * 60
    assert await pair.view()
    assert pair.house.fetched == 1
    await pair.glass.stop(pair.cleo.session_id, glass.glass_id)
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_stopped"
    found = [each for each in await pair.house.entries() if each.outcome != "denied"]
    assert [each.action for each in found] == [
        "imagery.glass_asked",
        "imagery.glass_begun",
        "imagery.lease",
        "imagery.view_intended",
        "imagery.view_ended",
        "imagery.glass_ended",
    ]
    begun, lease, ended = found[1], found[2], found[5]
    ben, cleo = pair.ben.person_id, pair.cleo.person_id
    assert (found[0].actor.id, found[0].reason) == (ben, WHY)
    assert (begun.actor.id, begun.reason, begun.authority.second_person) == (cleo, "I know of it", cleo)
    assert (lease.actor.id, lease.authority.second_person) == (ben, cleo)
    assert (ended.actor.id, ended.details["reason_code"]) == (cleo, "stopped")
    for each in (*found[:4], ended):
        assert ("glass", glass.glass_id) in [(one.kind, one.id) for one in each.objects]


async def test_nobody_agrees_to_their_own_whatever_their_roles(pair: Pair) -> None:
    """Also where a checker asks, who may agree to what others ask."""
    assert await pair.denied(pair.agree(await pair.ask(), pair.ben)) == "own_glass"
    own = await pair.glass.ask(pair.cleo.session_id, asked())
    assert await pair.denied(pair.agree(own)) == "own_glass"
    assert await pair.denied(pair.broker.lease(pair.cleo.session_id, asked())) == "glass_not_agreed"
    query = "update imagery.glass set second_person = person_id, agreed_at = asked_at"
    with pytest.raises(asyncpg.CheckViolationError):
        await pair.house.pool.execute(query)


@pytest.mark.parametrize(
    ("roles", "tenants"),
    [
        ((Role.ANALYST,), ("kestrel",)),
        ((Role.RESEARCHER, Role.APPROVER, Role.PRIVACY, Role.AUDITOR), None),
        ((Role.ADMIN,), None),
        ((Role.CHECKER,), ("heron",)),
    ],
)
async def test_the_second_person_is_a_checker_of_the_tenant(
    pair: Pair, roles: tuple[Role, ...], tenants: tuple[str, ...] | None
) -> None:
    await pair.house.add("dora", *roles, tenants=tenants)
    glass = await pair.ask()
    dora = await pair.house.sign_in("dora")
    assert await pair.denied(pair.agree(glass, dora)) == "not_for_you"
    with pytest.raises(Denied, match="nobody asked for that"):
        await pair.glass.stop(dora.session_id, glass.glass_id)


async def test_a_third_use_and_a_third_person_are_refused(pair: Pair) -> None:
    await pair.agree(await pair.ask())
    await pair.house.add("dora")
    dora = await pair.house.sign_in("dora")
    assert await pair.denied(pair.broker.lease(dora.session_id, asked())) == "case_not_assigned"
    await pair.view()
    await pair.view()
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_spent"
    assert pair.house.fetched == 2


async def test_of_many_at_once_as_many_as_are_left_get_one(pair: Pair) -> None:
    await pair.agree(await pair.ask())
    tries = [pair.broker.lease(pair.ben.session_id, asked()) for _ in range(6)]
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(not isinstance(each, Denied) for each in found) == 2
    agreeing = await pair.ask()
    both = await asyncio.gather(*(pair.agree(agreeing) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Glass) for each in both) == 1


async def test_after_its_minutes_it_opens_nothing_and_that_it_ended_is_an_entry(pair: Pair) -> None:
    glass = await pair.agree(await pair.ask())
    lease = await pair.broker.lease(pair.ben.session_id, asked())
    for _ in range(3):
        pair.house.later(minutes=9.9)
        await pair.house.pool.execute("update access.sessions set seen_at = $1, mfa_at = $1", pair.house.now)
    fresh = await pair.broker.lease(pair.ben.session_id, asked())
    pair.house.later(seconds=19)
    for each in (lease, fresh):
        await pair.denied(pair.broker.show(pair.ben.session_id, each.lease_id, sharp=True))
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_over"
    assert pair.house.fetched == 0
    sweep = Sweep(pair.house.tables, pair.house.clock, pair.broker.sending, 120, pair.glass.step)
    assert [await sweep.step(), await sweep.step()] == [1, 0]
    last = (await pair.house.entries())[-1]
    assert (last.action, last.actor.kind, last.details["reason_code"]) == ("imagery.glass_ended", "service", "over")
    assert last.objects[1].id == glass.glass_id
    assert await pair.denied(pair.agree(glass)) == "glass_stopped"


async def test_what_nobody_agreed_to_in_time_is_over(pair: Pair) -> None:
    glass = await pair.ask()
    pair.house.later(minutes=14)
    await pair.house.pool.execute("update access.sessions set seen_at = $1, mfa_at = $1", pair.house.now)
    pair.house.later(minutes=1)
    assert await pair.denied(pair.agree(glass)) == "glass_unanswered"
    assert await pair.glass.step() == 1
    assert (await pair.house.entries())[-1].details["reason_code"] == "unanswered"


async def stop(pair: Pair, glass: Glass) -> None:
    await pair.glass.stop(pair.ben.session_id, glass.glass_id)


async def run_out(pair: Pair, glass: Glass) -> None:
    await pair.house.pool.execute("update imagery.glass set expires_at = agreed_at where glass_id = $1", glass.glass_id)


async def lose(pair: Pair, glass: Glass) -> None:
    await pair.house.pool.execute("update imagery.leases set glass_id = null")
    await pair.house.pool.execute("delete from imagery.glass where glass_id = $1", glass.glass_id)


async def revoke_second(pair: Pair, _: Glass) -> None:
    await pair.house.register.give_roles("cleo", [Role.ANALYST], ["kestrel"], BY, pair.house.now)


ENDS: list[Callable[[Pair, Glass], Awaitable[None]]] = [stop, run_out, lose, revoke_second]


async def test_what_ends_between_any_two_steps_shows_nothing(pair: Pair) -> None:
    for end in ENDS:
        for step in STEPS:
            glass = await pair.agree(await pair.ask())

            async def act(end: Any = end, glass: Glass = glass) -> None:
                await end(pair, glass)

            lease = await pair.broker.lease(pair.ben.session_id, asked())
            with step(pair.house, act), pytest.raises(Denied):
                await pair.broker.show(pair.ben.session_id, lease.lease_id, sharp=True)
            ended = (await pair.house.entries("imagery.view_ended"))[-1]
            assert (ended.outcome, ended.details["bytes"]) == ("denied", 0)
            await pair.house.pool.execute("update imagery.glass set ended_at = agreed_at where ended_at is null")
            if end is revoke_second:
                await pair.house.register.give_roles("cleo", [Role.CHECKER], ["kestrel"], BY, pair.house.now)
                pair.cleo = await pair.house.sign_in("cleo")


async def test_every_other_condition_holds_as_ever(pair: Pair) -> None:
    """It stands in for the assignment alone."""
    for question, why in (
        (asked(transaction="tx-9"), "not_flagged"),
        (asked(reason="  "), "reason_missing"),
        (asked()._replace(tenant="heron"), "other_tenant"),
        (asked("no-such-case"), "other_tenant"),
    ):
        assert await pair.denied(pair.glass.ask(pair.ben.session_id, question)) == why
    await pair.house.add("dora", Role.AUDITOR)
    dora = await pair.house.sign_in("dora")
    assert await pair.denied(pair.glass.ask(dora.session_id, asked())) == "no_role"
    ada = await pair.house.sign_in("ada")
    assert await pair.denied(pair.glass.ask(ada.session_id, asked())) == "not_needed"
    await pair.agree(await pair.ask())
    await pair.house.pool.execute("update triage.cases set state = 'closed' where case_id = $1", CASE)
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "case_closed"
    assert await pair.denied(pair.glass.ask(pair.ben.session_id, asked())) == "case_closed"


async def test_who_agrees_has_a_reason_a_fresh_code_a_session_and_a_right_clock(pair: Pair) -> None:
    async with somebody_before(pair.house):
        asking = asyncio.create_task(pair.ask())
    glass = await asking
    assert await pair.denied(pair.agree(glass, reason=" \n")) == "reason_missing"
    assert await pair.denied(pair.glass.agree(pair.cleo.session_id, "made up", "x")) == "no_glass"
    pair.house.clock._now_ms -= 1_000
    assert await pair.denied(pair.agree(glass)) == "clock_set_back"
    pair.house.later(seconds=1)
    async with somebody_before(pair.house):  # who waits for another is no clock that was set back
        agreeing = asyncio.create_task(pair.agree(glass, reason=" "))
    assert await pair.denied(agreeing) == "reason_missing"
    await pair.house.pool.execute("update access.sessions set mfa_at = mfa_at - interval '20 minutes'")
    assert await pair.denied(pair.agree(glass)) == "confirmation_old"
    await end_session(pair.house, "")
    with pytest.raises(NotSignedIn):
        await pair.agree(glass)


async def test_without_a_database_nothing_is_agreed_to(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    glass = await pair.ask()
    await pair.house.pool.expire_connections()
    monkeypatch.setattr(pair.house.pool, "acquire_s", 0.0)
    with pytest.raises(Unavailable):
        await pair.agree(glass)


async def test_the_soc_is_told_at_once_and_again_at_its_end(pair: Pair) -> None:
    """Before anything is opened; once each; not of what nobody agreed to."""
    await pair.ask()
    assert pair.house.told == []
    glass = await pair.agree(await pair.ask())
    [alert] = pair.house.told
    assert alert.access
    assert (alert.access.person, alert.access.second_person) == (pair.ben.person_id, pair.cleo.person_id)
    assert (alert.access.grant_id, alert.access.until) == (glass.glass_id, glass.expires_at)
    assert (alert.kind, alert.state, alert.severity) == ("break_glass", "firing", "critical")
    assert pair.ben.person_id in alert.summary
    assert pair.cleo.person_id in alert.summary
    assert alert.values == {"minutes": 30.0, "uses": 2.0}
    assert await pair.view()
    await pair.glass.step()
    assert len(pair.house.told) == 1, "it is told once"
    await pair.glass.stop(pair.cleo.session_id, glass.glass_id)
    await pair.glass.stop(pair.cleo.session_id, glass.glass_id)
    assert [(each.state, each.alert_id) for each in pair.house.told] == [
        ("firing", alert.alert_id), ("resolved", alert.alert_id),
    ]  # fmt: skip
    assert pair.house.told[1].values == {"uses_left": 1.0}


async def test_minutes_that_are_over_are_told_by_the_sweep(pair: Pair) -> None:
    """Nobody needs to stop it."""
    await pair.agree(await pair.ask())
    pair.house.later(minutes=31)
    assert await pair.glass.step() == 1
    assert [each.state for each in pair.house.told] == ["firing", "resolved"]


async def test_while_the_soc_cannot_be_told_it_opens_nothing(pair: Pair) -> None:
    """It is agreed to, and on record; as soon as the bus is there again the sweep tells, and it opens."""
    pair.house.bus_away = True
    glass = await pair.agree(await pair.ask())
    assert pair.house.told == []
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_untold"
    await pair.glass.step()
    assert pair.house.told == []
    pair.house.bus_away = False
    await pair.glass.step()
    assert [each.state for each in pair.house.told] == ["firing"]
    assert await pair.view()
    pair.house.bus_away = True
    await pair.glass.stop(pair.cleo.session_id, glass.glass_id)
    assert await pair.denied(pair.broker.lease(pair.ben.session_id, asked())) == "glass_stopped"
    pair.house.bus_away = False
    await pair.glass.step()
    assert [each.state for each in pair.house.told] == ["firing", "resolved"]
