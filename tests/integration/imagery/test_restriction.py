"""Whose processing is restricted (GDPR Art. 18), of their imagery nothing is opened but in a permitted case."""

from datetime import timedelta

import pytest

from services.imagery.handlers.refusals import Denied
from tests.integration.imagery.house import CASE, House, all_of, asked
from tests.integration.imagery.test_broker import STEPS, slowly

HOLD = "hold-1"
_PLACE = """
insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
select $1, tenant, subject_tag, 'ticket', 'pia', $3, 'accuracy', subject_tag from triage.cases where case_id = $2"""
_PERMIT = "insert into privacy.permitted_uses values($1, $2, 'legal_claims', 'claim', 'paul', $3, $4)"


async def restrict(house: House, case_id: str = CASE, hold: str = HOLD) -> None:
    await house.pool.execute(_PLACE, hold, case_id, house.now)


async def test_no_lease_is_granted_and_the_entry_names_the_hold(house: House) -> None:
    """Of this person; another's imagery is opened as ever, and a legal hold closes none."""
    await restrict(house)
    await house.case("case-2", "tx-2")
    session, broker = await house.sign_in(), house.broker()
    with pytest.raises(Denied, match="restricted") as refused:
        await broker.lease(session.session_id, asked())
    assert refused.value.code == "processing_restricted"
    [entry] = await house.entries()
    assert (entry.outcome, entry.details["reason_code"]) == ("denied", "processing_restricted")
    assert [(each.kind, each.id) for each in entry.objects] == [("case", CASE), ("hold", HOLD)]
    await house.pool.execute(
        "insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at) "
        "select 'order', tenant, subject_tag, 'order', 'pia', now() from triage.cases where case_id = 'case-2'"
    )
    await broker.lease(session.session_id, asked("case-2", "tx-2"))


async def test_a_restriction_between_any_two_steps_shows_nothing(house: House) -> None:
    """What was granted before does not open afterwards."""
    for step in STEPS:
        case_id = f"case-{step.__name__}"
        await house.case(case_id, f"tx-{case_id}")
        session, broker = await house.sign_in(), house.broker()
        lease = await broker.lease(session.session_id, asked(case_id, f"tx-{case_id}"))

        async def act(case_id: str = case_id) -> None:
            await restrict(house, case_id, f"hold-{case_id}")

        with step(house, act), pytest.raises(Denied, match="restricted"):
            await broker.show(session.session_id, lease.lease_id, sharp=True)
        last = (await house.entries())[-1]
        assert (last.details["state"], last.details["bytes"], last.details["reason_code"]) == (
            "withheld",
            0,
            "processing_restricted",
        )


async def test_an_open_stream_stops(house: House) -> None:
    house.terms = house.terms._replace(chunk_bytes=512)
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    showing = await broker.show(session.session_id, lease.lease_id, sharp=True)
    taken: list[bytes] = [await anext(showing.chunks)]
    await restrict(house)
    with pytest.raises(Denied, match="restricted"):
        await slowly(showing, taken)


async def test_a_case_that_is_permitted_opens_until_it_is_over(house: House) -> None:
    """That case, for as long as it was permitted; the entry of the lease names the hold."""
    await restrict(house)
    broker = house.broker()
    for case in ("another-case", CASE):
        with pytest.raises(Denied, match="restricted"):
            await broker.lease((await house.sign_in()).session_id, asked())
        await house.pool.execute(_PERMIT, HOLD, case, house.now, house.now + timedelta(hours=1))
    session = await house.sign_in()
    lease = await broker.lease(session.session_id, asked())
    assert await all_of(await broker.show(session.session_id, lease.lease_id, sharp=True))
    [granted] = [each for each in await house.entries("imagery.lease") if each.outcome == "granted"]
    assert [(each.kind, each.id) for each in granted.objects][-1] == ("hold", HOLD)
    house.later(hours=1)
    with pytest.raises(Denied, match="restricted"):
        await broker.lease((await house.sign_in()).session_id, asked())


@pytest.mark.parametrize("permitted", [CASE, "whole"])
@pytest.mark.parametrize("asked_by", [CASE, "whole", "beside"])
async def test_a_part_is_permitted_by_itself_or_by_its_whole_whichever_is_asked_by(
    house: House, permitted: str, asked_by: str
) -> None:
    """As at the desk: the case that has the transaction, or the one that it is a part of; not one beside it."""
    await house.case("whole", "tx-9")
    await house.case("beside", "tx-8")
    await house.pool.execute("update triage.cases set part_of = 'whole' where case_id <> 'whole'")
    await restrict(house)
    broker = house.broker()
    for case in ("beside", permitted):
        with pytest.raises(Denied, match="restricted"):
            await broker.lease((await house.sign_in()).session_id, asked(asked_by))
        await house.pool.execute(_PERMIT, HOLD, case, house.now, house.now + timedelta(hours=1))
    await broker.lease((await house.sign_in()).session_id, asked(asked_by))


async def test_a_second_person_opens_nothing_that_is_restricted(house: House) -> None:
    """Break-glass stands in for the assignment alone: it is refused when it is asked for."""
    await restrict(house)
    await house.release()
    session, broker = await house.sign_in(), house.broker()
    with pytest.raises(Denied, match="restricted"):
        await house.glass(broker).ask(session.session_id, asked())
