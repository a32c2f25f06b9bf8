"""Signing in on a real PostgreSQL: who is let in, who is not, and what the audit log has of it."""

import asyncio
import re
from collections.abc import Awaitable
from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from proofwatch.access import attempts
from proofwatch.access.code_seal import CodeSeal, CodesSealed
from proofwatch.access.errors import AccessDenied, ClockSetBack, NoSession, SignInRefused, Throttled
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.access.session import LIFETIMES
from proofwatch.bus.postgres.pool import transaction
from tests.integration.access.house import BY, PASSWORD, House

WRONG = "five unrelated words are here"


async def refusal(call: Awaitable[object]) -> AccessDenied:
    with pytest.raises(AccessDenied) as caught:
        await call
    return caught.value


async def test_who_signs_in_has_a_session_with_their_roles_and_tenants(house: House) -> None:
    """The token opens it; the database has neither token nor password; the log has who and when."""
    person = await house.add("ada", Role.ANALYST, Role.CHECKER, tenants=("acme",))
    token, opened = await house.sign_in()
    assert (opened.person_id, opened.roles) == (person, frozenset({Role.ANALYST, Role.CHECKER}))
    assert opened.tenants == frozenset({"acme"})
    assert opened.sees("acme")
    assert not opened.sees("other")
    assert opened.signed_in_at == opened.mfa_at == house.now
    assert await house.people.session_of(token, house.now) == opened
    tables = await house.pool.fetch(
        "select s::text from access.sessions s union all select p::text from access.people p"
    )
    stored = " ".join(row[0] for row in tables)
    assert token not in stored
    assert PASSWORD not in stored
    entries = await house.entries()
    signed_in = next(each for each in entries if each.action == "access.signed_in")
    assert (signed_in.actor.kind, signed_in.actor.id, signed_in.outcome) == ("person", person, "done")
    assert signed_in.details["session"] == opened.session_id
    # as a word: three digits of an id may well be "ada"
    assert not any(re.search(r"\bada\b", str(each)) for each in entries), "people are their ids in the log"


async def test_no_answer_tells_which_names_there_are(house: House) -> None:
    """Unknown name, wrong password, wrong code, revoked, not enrolled: the same words; the log knows which."""
    await house.add("ada")
    await house.add("gone")
    await house.register.revoke("gone", BY, house.now)
    await house.register.add("new", (Role.ANALYST,), None, BY, house.now)
    house.later(seconds=60)
    sign_in = house.people.sign_in
    refusals = [
        await refusal(sign_in("nobody", PASSWORD, "123456", house.now)),
        await refusal(sign_in("ada", WRONG, house.code(), house.now)),
        await refusal(sign_in("ada", PASSWORD, house.code(steps=40), house.now)),
        await refusal(sign_in("gone", PASSWORD, house.code("gone"), house.now)),
        await refusal(sign_in("new", PASSWORD, "123456", house.now)),
        await refusal(sign_in("\0\ud800'; --", "\ud800\0", "12\0", house.now)),
    ]
    assert {type(each) for each in refusals} == {SignInRefused}
    assert len({str(each) for each in refusals}) == 1
    why = ["unknown_name", "wrong_password", "wrong_code", "revoked", "not_enrolled", "unknown_name"]
    assert await house.told() == [("access.sign_in_refused", "denied", each) for each in why]


async def test_a_code_counts_once(house: House) -> None:
    """Who looked over a shoulder is late, also with a session's fresh code; the next step's is taken."""
    await house.add()
    token, _ = await house.sign_in()
    used = house.code()
    assert isinstance(await refusal(house.people.sign_in("ada", PASSWORD, used, house.now)), SignInRefused)
    assert isinstance(await refusal(house.people.confirm(token, used, house.now)), SignInRefused)
    house.later(seconds=30)
    assert isinstance(await refusal(house.people.sign_in("ada", PASSWORD, used, house.now)), SignInRefused)
    confirmed = await house.people.confirm(token, house.code(), house.now)
    assert confirmed.mfa_at == house.now
    assert [each[2] for each in await house.told()] == [None, "used_code", "used_code", "used_code", None]
    both = [house.people.sign_in("ada", PASSWORD, house.code(steps=1), house.now) for _ in range(2)]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == ["SignInRefused", "tuple"], "of two at once one is let in"


async def test_who_signs_in_while_another_succeeds_is_judged(house: House) -> None:
    """The one that has succeeded takes the count away while the other waits for it: it begins anew."""
    await house.add()
    async with transaction(house.pool, "a test") as first:
        await attempts.count(first, "ada", house.now)
    async with transaction(house.pool, "a test") as first, transaction(house.pool, "a test") as second:
        await attempts.forget(first, "ada")
        waits = asyncio.create_task(attempts.count(second, "ada", house.now))
        await asyncio.wait([waits], timeout=0.2)
        assert not waits.done(), "it waits for the first"
        await first.execute("commit")
        assert (await waits).after.failures == 1
        await first.execute("begin")


async def test_who_fails_too_often_waits(house: House) -> None:
    """Five are free; then nothing is judged, the right password neither, until it is over; the log has it once."""
    await house.add()
    house.later(seconds=60)
    for _ in range(5):
        assert isinstance(await refusal(house.people.sign_in("ada", WRONG, house.code(), house.now)), SignInRefused)
    for _ in range(3):
        throttled = await refusal(house.people.sign_in("ada", PASSWORD, house.code(), house.now))
        assert isinstance(throttled, Throttled)
        assert throttled.retry_after == timedelta(seconds=30)
    assert [each[2] for each in await house.told()] == ["wrong_password"] * 5 + ["throttled"]
    house.later(seconds=30)
    assert await house.people.sign_in("ada", PASSWORD, house.code(), house.now)
    house.later(seconds=30)
    assert isinstance(await refusal(house.people.sign_in("ada", WRONG, house.code(), house.now)), SignInRefused)
    assert await house.people.sign_in("ada", PASSWORD, house.code(), house.now), "success forgets the failures"


async def test_many_at_once_are_many(house: House) -> None:
    """Attempts count before they are judged: of forty at the same moment five are judged."""
    await house.add()
    house.later(seconds=60)
    tries = [house.people.sign_in("ada", WRONG, house.code(), house.now) for _ in range(40)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, SignInRefused) for each in done) == 5
    assert sum(isinstance(each, Throttled) for each in done) == 35


async def test_a_flood_of_names_is_sent_away_before_it_costs_anything(house: House) -> None:
    """Two are verified at a time and twenty wait; the rest hears to come again, and is neither counted nor entered."""
    await house.add()
    house.later(seconds=60)
    tries = [house.people.sign_in(f"n{each}", WRONG, "123456", house.now) for each in range(60)]
    done = await asyncio.gather(*tries, return_exceptions=True)
    assert {type(each) for each in done} <= {SignInRefused, Throttled}
    assert await house.people.sign_in("ada", PASSWORD, house.code(), house.now)
    house.people._at_work = 20  # as it is in the middle of a flood
    before = await house.told(), await house.pool.fetch("select * from access.attempts")
    assert isinstance(await refusal(house.people.sign_in("eve", WRONG, "123456", house.now)), Throttled)
    assert (await house.told(), await house.pool.fetch("select * from access.attempts")) == before


async def test_what_one_process_ends_another_sees_at_once(house: House) -> None:
    """Nothing is remembered between calls: the next call, wherever it comes, finds no session."""
    await house.add()
    elsewhere = PostgresPeople(house.pool)
    token, opened = await house.sign_in()
    assert await elsewhere.session_of(token, house.now) == opened
    await house.people.sign_out(token, house.now)
    assert await elsewhere.session_of(token, house.now) is None
    token, _ = await house.sign_in()
    assert await elsewhere.session_of(token, house.now)
    await house.register.give_roles("ada", [Role.ANALYST], None, BY, house.now)
    assert await elsewhere.session_of(token, house.now) is None


async def test_a_name_that_is_not_there_is_throttled_alike(house: House) -> None:
    """Waiting tells nobody which names there are."""
    await house.add()
    house.later(seconds=60)
    found = {}
    for name in ("ada", "nobody"):
        tries = [await refusal(house.people.sign_in(name, WRONG, "123456", house.now)) for _ in range(8)]
        found[name] = [str(each) for each in tries]
    assert found["ada"] == found["nobody"]


async def test_a_session_ends(house: House) -> None:
    """By signing out; by fifteen minutes without a call; after twelve hours however often it is used."""
    await house.add()
    first, _ = await house.sign_in()
    second, opened = await house.sign_in()
    await house.people.sign_out(first, house.now)
    await house.people.sign_out(first, house.now)
    assert await house.people.session_of(first, house.now) is None
    assert [each[0] for each in await house.told()].count("access.signed_out") == 1
    while house.now + timedelta(minutes=10) < opened.expires_at:
        house.later(minutes=10)
        assert await house.people.session_of(second, house.now) == opened
    house.now = opened.expires_at
    assert await house.people.session_of(second, house.now) is None
    third, _ = await house.sign_in()
    house.later(seconds=LIFETIMES.idle.total_seconds() - 1)
    assert await house.people.session_of(third, house.now)
    house.later(seconds=LIFETIMES.idle.total_seconds())
    assert await house.people.session_of(third, house.now) is None
    assert isinstance(await refusal(house.people.confirm(third, house.code(), house.now)), NoSession)


async def test_what_is_a_month_old_is_forgotten(house: House) -> None:
    """Sessions and failures are in the audit log; the tables do not grow for ever."""
    await house.add()
    await house.sign_in()
    await refusal(house.people.sign_in("eve", WRONG, "123456", house.now))
    house.later(days=20)
    await house.sign_in()
    counts = "select (select count(*) from access.sessions), (select count(*) from access.attempts)"
    assert tuple(await house.pool.fetchrow(counts)) == (2, 1)
    house.later(days=11)
    await house.sign_in()
    assert tuple(await house.pool.fetchrow(counts)) == (2, 0)


async def test_what_is_no_token_opens_nothing(house: House) -> None:
    """Whatever is sent."""
    await house.add()
    await house.sign_in()
    for token in ("", "x", "\0", "\ud800", "a" * 100_000, "' or true --"):
        assert await house.people.session_of(token, house.now) is None


async def test_a_clock_set_back_lets_nobody_in(house: House) -> None:
    """Neither a session that has seen more, nor a new one; once the clock is right both are there again."""
    await house.add()
    await house.add("bob")
    token, opened = await house.sign_in()
    house.later(minutes=10)
    assert await house.people.session_of(token, house.now)
    right = house.now
    house.now -= timedelta(minutes=5)
    assert await house.people.session_of(token, house.now) is None
    async with house.pool.acquire() as connection, connection.transaction():
        assert await house.people.locked(connection, opened.session_id, house.now) is None
    denied = await refusal(house.people.sign_in("bob", PASSWORD, house.code("bob"), house.now))
    assert isinstance(denied, ClockSetBack)
    assert "09:05:30" in str(denied)
    assert "end-sessions" in str(denied)
    house.now = right
    assert await house.people.session_of(token, house.now)
    assert await house.people.sign_in("bob", PASSWORD, house.code("bob"), house.now)


async def test_a_clock_that_ran_ahead_is_got_over_by_ending_all_sessions(house: House) -> None:
    """What the refusal says helps."""
    await house.add()
    await house.add("bob")
    right = house.now
    house.later(days=900)
    await house.sign_in()
    house.now = right
    house.later(minutes=1)
    assert isinstance(await refusal(house.people.sign_in("bob", PASSWORD, house.code("bob"), house.now)), ClockSetBack)
    assert await house.register.end_sessions(BY, house.now) == 1
    assert await house.people.sign_in("bob", PASSWORD, house.code("bob"), house.now)


async def test_a_password_hash_of_an_older_strength_is_made_anew(house: House) -> None:
    """At the next sign-in, when the password is there."""
    await house.add()
    weak = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1).hash(PASSWORD)
    await house.pool.execute("update access.people set password_hash = $1", weak)
    await house.sign_in()
    stored = await house.pool.fetchval("select password_hash from access.people")
    assert "m=64,t=1,p=1" in stored
    await house.sign_in()


async def test_secrets_of_codes_are_sealed_where_there_is_a_key_and_old_ones_are_at_the_next_use(house: House) -> None:
    """A stolen database gives no code; a process that lacks the key lets nobody in."""
    query = "select code_secret from access.people where name = $1"
    await house.add()
    assert await house.pool.fetchval(query, "ada") == house.secrets["ada"], "there was no key"
    seal = CodeSeal([bytes(32)])
    house.people, house.register = PostgresPeople(house.pool, seal=seal), PostgresRegister(house.pool, seal)
    await house.add("ben")
    assert house.secrets["ben"] not in await house.pool.fetchval(query, "ben")
    for name in ("ada", "ben"):
        await house.sign_in(name)
        stored = await house.pool.fetchval(query, name)
        assert (stored.startswith("sealed-1:"), house.secrets[name] in stored) == (True, False)
    token, _ = await house.sign_in()
    house.later(seconds=30)
    confirmed = await house.people.confirm(token, house.code(), house.now)
    assert confirmed.mfa_at == house.now
    house.later(seconds=30)
    with pytest.raises(CodesSealed):
        await PostgresPeople(house.pool).sign_in("ada", PASSWORD, house.code(), house.now)
    rotated = PostgresPeople(house.pool, seal=CodeSeal([b"n" * 32, bytes(32)]))
    assert await rotated.sign_in("ada", PASSWORD, house.code(), house.now)
    house.later(seconds=30)
    newest = PostgresPeople(house.pool, seal=CodeSeal([b"n" * 32]))
    assert await newest.sign_in("ada", PASSWORD, house.code(), house.now)
