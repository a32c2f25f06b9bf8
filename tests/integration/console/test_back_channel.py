"""The provider says that somebody has left: their sessions end at once; and people leave the provider from here."""

from typing import Any

import httpx

from services.console.who import BROWSER, COOKIE
from tests.integration.console.listener import listening
from tests.integration.console.place import ADA, Place
from tests.integration.console.test_stream import ending

ENDED = "access.ended_by_provider"


async def told(place: Place, token: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.console.port}", timeout=30) as client:
        return await client.post("/sign-out/back-channel", data={"logout_token": token}, headers=headers)


async def logout(place: Place, **said: Any) -> int:
    """Tell that somebody has left; every answer is for no cache."""
    answer = await told(place, place.provider.signed(place.provider.logout_claims(**said)))
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code


async def test_sessions_of_the_providers_session_end(place: Place) -> None:
    """Those of `sid` alone, with an entry each; another person's and another session's go on."""
    place.provider.people["s-eve"] = {**ADA, "name": "eve"}
    first, second = await place.token("s-ada"), await place.token("s-ada")
    sid, eve = place.provider.sids["s-ada"], await place.token("s-eve")
    place.provider.sessions.clear()
    later = await place.token("s-ada")
    assert place.provider.sids["s-ada"] != sid
    assert await logout(place, sid=sid) == 200
    assert [await place.reads(each) for each in (first, second, eve, later)] == [401, 401, 200, 200]
    assert await place.refusals(ENDED) == ["provider_signed_out"] * 2
    assert await logout(place, sid=sid) == 200, "there is nothing left to end"
    assert await logout(place, sid=place.provider.sids["s-ada"], sub="s-eve") == 200
    assert [await place.reads(each) for each in (eve, later)] == [200, 200], "of nobody"


async def test_sessions_of_a_subject_end(place: Place) -> None:
    """All of them; where the provider never said `sid` at sign-in, also by both."""
    place.provider.people["s-eve"] = {**ADA, "name": "eve"}
    ada, eve = await place.token("s-ada"), await place.token("s-eve")
    place.provider.sessions.clear()
    other = await place.token("s-ada")
    assert await logout(place, sub="s-ada") == 200
    assert [await place.reads(each) for each in (ada, other, eve)] == [401, 401, 200]
    place.provider.says_sid = False
    ada = await place.token("s-ada")
    assert await logout(place, sub="s-ada", sid="never told") == 200
    assert [await place.reads(each) for each in (ada, eve)] == [401, 200]


async def test_a_session_confirmed_afresh_is_of_the_newer_one(place: Place) -> None:
    """What is signed in to there anew may be another session of the provider's: that one ends it."""
    token = await place.token("s-ada")
    before = place.provider.sids["s-ada"]
    back, browser = await place.again("s-ada", token)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 200
    assert await logout(place, sid=before) == 200
    assert await place.reads(token) == 200
    assert await logout(place, sid=place.provider.sids["s-ada"]) == 200
    assert await place.reads(token) == 401


async def test_open_streams_end(place: Place) -> None:
    """Within seconds, with a word why; so do those of which the provider has said nothing for five minutes."""
    place.console.tokens["ada"] = await place.token("s-ada")
    async with listening(place.console, "ada") as listener:
        await listener.until_id()
        assert await logout(place, sub="s-ada") == 200
        assert await ending(listener) == "not_signed_in"
    place.console.tokens["ada"] = await place.token("s-ada")
    async with listening(place.console, "ada") as listener:
        await listener.until_id()
        place.console.later(minutes=5, seconds=1)
        assert await ending(listener) == "not_signed_in"


async def test_what_is_no_logout_token_ends_nothing(place: Place) -> None:
    """Of another client, an ID token's, not signed, signed by somebody else: 400, and the sessions go on."""
    token = await place.token("s-ada")
    lies: list[dict[str, Any]] = [{"aud": "another client"}, {"nonce": "n"}, {"events": {}}, {"sub": None}]
    for said in lies:
        assert await logout(place, **{"sub": "s-ada", **said}) == 400
    for how in (place.provider.unsigned, place.provider.confused, place.provider.foreign):
        place.provider.signed = how
        assert await logout(place, sub="s-ada") == 400
    assert await place.reads(token) == 200


async def test_a_logout_token_is_taken_once(place: Place) -> None:
    """And not when it has become old; nor is a sign-in's ID token one, nor nonsense; others learn nothing."""
    await place.token("s-ada")
    sent = place.provider.signed(place.provider.logout_claims(sub="s-ada", exp=10**10))
    assert (await told(place, sent)).status_code == 200
    token = await place.token("s-ada")
    assert (await told(place, sent)).status_code == 400
    place.console.later(minutes=4)
    old = place.provider.signed(place.provider.logout_claims(sub="s-ada", exp=10**10))
    for _ in range(3):
        place.console.later(minutes=4)
        await place.sign_on.look_again()
    assert (await told(place, old)).status_code == 400
    for nonsense in ("", "x", "a.b.c", "e30.e30.e30", "\0", "é" * 99, "x" * 9_000):
        answer = await told(place, nonsense)
        assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store")
        assert answer.json()["error"] == "invalid_request"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{place.console.port}", timeout=30) as client:
        answer = await client.post("/sign-out/back-channel", json={"logout_token": sent})
        assert answer.status_code == 400
        assert (await client.get("/sign-out/back-channel")).status_code == 405
    del token


async def test_a_key_that_the_provider_changed_is_fetched_not_for_everybody(place: Place) -> None:
    """Anybody may send a token with a key's name: the provider is not asked each time."""
    await place.token("s-ada")
    asked = place.provider.keys_asked
    place.provider.signed = place.provider.unknown
    for _ in range(5):
        assert await logout(place, sub="s-ada") == 400
    assert place.provider.keys_asked - asked <= 1


async def test_who_signs_out_here_is_offered_to_sign_out_there(place: Place) -> None:
    """A link to the provider's own page, which leads back; who has a password here has nothing there."""
    token = await place.token("s-ada")
    answer = await place.console.client_of(token).form("/sign-out", out="1")
    assert answer.headers["location"] == "/sign-in?out=true"
    assert 'href="/sign-out/provider"' in (await place.get("/sign-in?out=true")).text
    to = (await place.get("/sign-out/provider")).headers["location"]
    parts = httpx.URL(to)
    assert to.startswith(f"{place.provider.issuer}/leave?")
    assert dict(parts.params) == {
        "client_id": "console", "post_logout_redirect_uri": f"{place.console.origin}/sign-in",
    }  # fmt: skip
    await place.console.person("root")
    answer = await place.console.client("root").form("/sign-out", out="1")
    assert answer.headers["location"] == "/sign-in"
    assert "/sign-out/provider" not in (await place.get("/sign-in")).text
    assert await place.reads(token) == 401


async def test_a_session_handed_over_ends_too(place: Place) -> None:
    """What goes on at the broker is of the same person: it ends in the same moment."""
    from proofwatch.access.hand_over import PostgresHandover, challenge_of

    token, console = await place.token("s-ada"), place.console
    row = await console.pool.fetchrow("select session_id from access.running(sha256($1))", token.encode())
    handover = PostgresHandover(console.pool)
    ticket = await handover.give(row["session_id"], challenge_of("v"), console.now)
    there = await handover.take(ticket, "v", console.now)
    assert there is not None
    assert (await place.get("/v1/cases", **{COOKIE: there})).status_code == 200
    assert await logout(place, sub="s-ada") == 200
    assert [await place.reads(each) for each in (token, there)] == [401, 401]
