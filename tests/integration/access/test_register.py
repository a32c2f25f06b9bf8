"""People added, given roles and revoked, on a real PostgreSQL: at once, and on record."""

import asyncio

import pytest

from proofwatch.access.acts import By
from proofwatch.access.errors import NotAllowed, SignInRefused
from proofwatch.access.register import NoSuchPerson
from proofwatch.access.roles import Role, RolesExclude
from proofwatch.audit.entry import person
from tests.integration.access.house import BY, PASSWORD, House


async def test_a_revoked_person_is_out_at_once_and_for_good(house: House) -> None:
    """Every session ends in the act; nothing lets them in again, not even enrolling."""
    await house.add()
    first, _ = await house.sign_in()
    second, _ = await house.sign_in()
    assert await house.register.revoke("ada", BY, house.now) == 2
    for token in (first, second):
        assert await house.people.session_of(token, house.now) is None
    with pytest.raises(SignInRefused):
        await house.sign_in()
    with pytest.raises(NoSuchPerson, match=r"was revoked at .* for good"):
        await house.enrol()
    with pytest.raises(NoSuchPerson, match="a name is given once"):
        await house.add()
    assert await house.pool.fetchval("select count(*) from access.people where code_secret is not null") == 0


async def test_other_roles_end_the_sessions_that_had_the_old(house: House) -> None:
    """Whoever is signed in signs in again, and is then what they are."""
    await house.add()
    token, _ = await house.sign_in()
    assert await house.register.give_roles("ada", [Role.AUDITOR], ("acme",), BY, house.now) == 1
    assert await house.people.session_of(token, house.now) is None
    _, opened = await house.sign_in()
    assert (opened.roles, opened.tenants) == (frozenset({Role.AUDITOR}), frozenset({"acme"}))
    given = next(each for each in await house.entries() if each.action == "person.roles_given")
    assert given.reason == "a test"
    assert given.details == {
        "roles": "auditor",
        "tenants": "acme",
        "roles_before": "analyst",
        "tenants_before": "all",
        "sessions_ended": 1,
    }


async def test_enrolling_anew_ends_what_was(house: House) -> None:
    """A lost phone: old sessions, codes and failures count no more."""
    await house.add()
    token, _ = await house.sign_in()
    for _ in range(6):
        with pytest.raises(Exception, match=r"wrong|too many"):
            await house.people.sign_in("ada", "not the password at all", house.code(), house.now)
    lost = house.secrets["ada"]
    await house.enrol()
    assert house.secrets["ada"] != lost
    assert await house.people.session_of(token, house.now) is None
    assert await house.sign_in()


async def test_nobody_changes_their_own_access(house: House) -> None:
    """An admin asks another one; the operator's own rights are on record as that."""
    root = await house.add("root", Role.ADMIN)
    await house.add("ada")
    by = By(person(root), "why")
    for call in (
        house.register.give_roles("root", [Role.ADMIN, Role.AUDITOR], None, by, house.now),
        house.register.revoke("root", by, house.now),
        house.register.enrol("root", "hash", by, house.now),
    ):
        with pytest.raises(NotAllowed, match="let another admin do it"):
            await call
    await house.register.give_roles("ada", [Role.CHECKER], None, by, house.now)
    assert next(each for each in reversed(await house.entries()) if each.actor == person(root)).reason == "why"


async def test_roles_that_exclude_each_other_are_not_given(house: House) -> None:
    """Nothing of the call is done."""
    await house.add()
    for roles in ([Role.ADMIN, Role.ANALYST], [Role.ADMIN, Role.RESEARCHER]):
        with pytest.raises(RolesExclude, match="never sees imagery"):
            await house.register.give_roles("ada", roles, None, BY, house.now)
        with pytest.raises(RolesExclude):
            await house.register.add("eve", roles, None, BY, house.now)
    assert [(each.name, each.roles) for each in await house.register.everybody(house.now)] == [("ada", ["analyst"])]


async def test_a_session_cannot_end_while_another_transaction_counts_on_it(house: House) -> None:
    """Revocation waits for the transaction that locked it, and the next one sees it ended."""
    await house.add()
    _, opened = await house.sign_in()
    async with house.pool.acquire() as connection:
        async with connection.transaction():
            assert await house.people.locked(connection, opened.session_id, house.now) == opened
            revoking = asyncio.create_task(house.register.revoke("ada", BY, house.now))
            await asyncio.sleep(0.2)
            assert not revoking.done()
            assert await connection.fetchval("select count(*) from access.sessions where ended_at is null") == 1
        await revoking
        async with connection.transaction():
            assert await house.people.locked(connection, opened.session_id, house.now) is None


async def test_who_signs_in_while_being_revoked_is_out(house: House) -> None:
    """Whatever comes first: afterwards no session is alive."""
    for number in range(4):
        name = f"p{number}"
        await house.add(name)
        house.later(seconds=30)
        await asyncio.gather(
            house.people.sign_in(name, PASSWORD, house.code(name), house.now),
            _after(0.1 * number, house, name),
            return_exceptions=True,
        )
    assert await house.pool.fetchval("select count(*) from access.sessions where ended_at is null") == 0


async def _after(seconds: float, house: House, name: str) -> None:
    await asyncio.sleep(seconds)
    await house.register.revoke(name, BY, house.now)


async def test_no_act_without_its_entry(house: House) -> None:
    """Where the audit log takes nothing, nobody is added, let in, changed or revoked."""
    await house.add()
    token, opened = await house.sign_in()
    await house.pool.execute("alter table audit.pending add constraint closed check (false) not valid")
    house.later(seconds=30)
    for call in (
        house.register.add("bob", [Role.ANALYST], None, BY, house.now),
        house.register.give_roles("ada", [Role.ADMIN], None, BY, house.now),
        house.register.revoke("ada", BY, house.now),
        house.register.end_sessions(BY, house.now),
        house.people.sign_in("ada", PASSWORD, house.code(), house.now),
        house.people.confirm(token, house.code(), house.now),
        house.people.sign_out(token, house.now),
    ):
        with pytest.raises(Exception, match="closed"):
            await call
    assert await house.people.session_of(token, house.now) == opened
    assert [(each.name, each.roles, each.sessions) for each in await house.register.everybody(house.now)] == [
        ("ada", ["analyst"], 1)
    ]
