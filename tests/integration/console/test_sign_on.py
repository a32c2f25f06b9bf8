"""Signing in with a provider that is real but small: who gets in with what, what is refused, and how it ends."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from proofwatch.access.code_seal import parse_code_keys
from proofwatch.access.roles import Role
from services.console.who import BROWSER, COOKIE
from tests.integration.access.house import BY
from tests.integration.console.place import ADA, KEY, Place, cookie_in
from tests.integration.console.test_api import problem, sign_in
from tests.support.oidc_provider import CLIENT, OidcProvider


async def test_who_comes_from_the_provider_has_what_their_groups_give(place: Place) -> None:
    """And is led to where they were going; both cookies as they should be; it is on record without a name."""
    answer = await place.come("s-ada", "/queue?show=mine")
    assert (answer.status_code, 'content="0;url=/queue?show=mine"' in answer.text) == (200, True)
    cookies = answer.headers.get_list("set-cookie")
    assert any(all(part in each for part in (COOKIE, "HttpOnly", "Secure", "SameSite=strict")) for each in cookies)
    token = cookie_in(answer, COOKIE)
    assert await place.reads(token) == 200
    row = await place.console.pool.fetchrow("select * from access.people where subject = 's-ada'")
    assert (row["name"], row["roles"], row["tenants"], row["password_hash"]) == ("ada.l", ["analyst"], ["acme"], None)
    acted = [each.action for each in await place.console.entries()]
    assert acted[:2] == ["access.added_by_provider", "access.signed_in"]
    entered = str(await place.console.entries()).lower()  # which has hexadecimal digits in it, too
    assert not re.search(r"(?<![0-9a-z\\])ada(?![0-9a-z])", entered)
    stored = str([tuple(each) for each in await place.console.pool.fetch("select * from access.vouchers")])
    assert not any(each in stored for each in place.provider.refresh), "sealed"
    again = await place.token("s-ada")
    assert (again != token, await place.reads(token)) == (True, 200)
    assert await place.console.pool.fetchval("select count(*) from access.people") == 1


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda claims: claims.pop(name, None)


@pytest.mark.parametrize(
    "lie",
    [
        lambda claims: claims.update(nonce="another"),
        _drop("nonce"),
        lambda claims: claims.update(aud="another client"),
        lambda claims: claims.update(aud=[CLIENT, "another client"]),
        lambda claims: claims.update(azp="another client"),
        _drop("aud"),
        lambda claims: claims.update(iss="https://elsewhere.example"),
        lambda claims: claims.update(iss=[claims["iss"], "https://elsewhere.example"]),
        _drop("iss"),
        lambda claims: claims.update(exp=claims["iat"] - 3_600),
        _drop("exp"),
        lambda claims: claims.update(iat=claims["iat"] + 3_600),
        lambda claims: claims.update(sub=""),
        lambda claims: claims.update(sub=["s-ada"]),
        lambda claims: claims.update(sub="s-eve"),
        _drop("sub"),
    ],
)
async def test_an_id_token_that_says_something_else_lets_nobody_in(place: Place, lie: Any) -> None:
    """Of somebody else's sign-in, for somebody else, by somebody else, too old: in one sentence for who tried."""
    place.provider.lie = lie
    answer = await place.come("s-ada")
    assert (answer.status_code, cookie_in(answer, COOKIE)) == (401, "")
    assert "who finds in the audit log why" in answer.text
    assert await place.console.pool.fetchval("select count(*) from access.people") == 0
    assert await place.refusals() == ["not_believed"]
    place.provider.lie = lambda claims: None
    assert await place.token("s-ada")


@pytest.mark.parametrize("how", ["unsigned", "confused", "foreign"])
async def test_an_id_token_that_the_provider_did_not_sign_lets_nobody_in(place: Place, how: str) -> None:
    """Not at all (none), with the public key as a secret (HS256), with another key under the same name."""
    place.provider.signed = getattr(place.provider, how)
    answer = await place.come("s-ada")
    assert (answer.status_code, cookie_in(answer, COOKIE)) == (401, "")
    assert await place.refusals() == ["not_believed"]


async def test_keys_that_the_provider_changed_are_fetched(place: Place) -> None:
    """Without a restart; what the old key signs counts no more."""
    assert await place.token("s-ada")
    old = place.provider.keys[0]
    place.provider.rotate()
    assert await place.token("s-ada")
    new, place.provider.keys = place.provider.keys, [old]
    honest = place.provider.honest
    place.provider.signed = lambda claims: _with(place.provider, new, honest, claims)
    assert (await place.come("s-ada")).status_code == 401


def _with(provider: OidcProvider, published: Any, sign: Any, claims: dict[str, Any]) -> str:
    made: str = sign(claims)
    provider.keys = published
    return made


async def test_a_way_back_is_gone_once(place: Place) -> None:
    """Neither a second time, nor by a code that was used, nor after ten minutes, nor as if another had sent them."""
    back, browser = await place.begun("s-ada")
    assert (await place.get(back, **{BROWSER: browser})).status_code == 200
    assert (await place.get(back, **{BROWSER: browser})).status_code == 400
    used = dict(parse_qsl(urlsplit(back).query))["code"]
    for change, status in (({"code": used}, 401), ({"iss": "https://elsewhere.example"}, 401), ({"code": ""}, 401)):
        back, browser = await place.begun("s-ada")
        query = dict(parse_qsl(urlsplit(back).query)) | change
        answer = await place.get(f"/sign-in/returned?{urlencode(query)}", **{BROWSER: browser})
        assert (answer.status_code, cookie_in(answer, COOKIE)) == (status, "")
    assert await place.refusals() == ["code_refused", "not_believed", "provider_refused"]
    back, browser = await place.begun("s-ada")
    place.console.later(minutes=11)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 400


async def test_nobody_is_signed_in_as_somebody_else_by_a_link(place: Place) -> None:
    """The way back of another browser (login CSRF) is nobody's, and its own browser still goes it."""
    back, browser = await place.begun("s-ada")
    _, of_another = await place.begun("s-ada")
    for cookies in ({}, {BROWSER: of_another}, {BROWSER: "x"}):
        answer = await place.get(back, **cookies)
        assert (answer.status_code, cookie_in(answer, COOKIE)) == (400, "")
    assert (await place.get(back, **{BROWSER: browser})).status_code == 200
    for nonsense in (
        "",
        "?state=x",
        "?state=x&code=y",
        "?error=access_denied&error_description=<script>",
        "?state=%00",
    ):
        answer = await place.get(f"/sign-in/returned{nonsense}", **{BROWSER: browser})
        assert (answer.status_code, "script>" in answer.text.replace("</script>", "")) == (400, False)


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
async def test_nobody_is_led_elsewhere(place: Place, wanted: str) -> None:
    answer = await place.come("s-ada", wanted)
    assert (answer.status_code, "0;url=/queue" in answer.text, "evil" in answer.text) == (200, True, False)


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"groups": ["elsewhere"], "amr": ["otp"]}, "no_roles"),
        ({"groups": ["of-all"], "amr": ["otp"]}, "no_roles"),
        ({"groups": {"analysts": 1}, "amr": ["otp"]}, "no_roles"),
        ({"amr": ["otp"]}, "no_roles"),
        ({"groups": ["analysts", "admins", "of-all"], "amr": ["otp"]}, "roles_exclude"),
        ({"groups": ["analysts", "of-all"], "amr": ["pwd"]}, "second_factor_missing"),
        ({"groups": ["analysts", "of-all"], "acr": "otp"}, "second_factor_missing"),
    ],
)
async def test_who_has_nothing_here_is_not_let_in(place: Place, claims: dict[str, Any], why: str) -> None:
    """No role, roles that are not for one person, no second factor: no account is made for it."""
    place.provider.people["s-eve"] = claims
    assert (await place.come("s-eve")).status_code == 401
    assert await place.refusals() == [why]
    assert await place.console.pool.fetchval("select count(*) from access.people") == 0


async def test_a_name_gives_nothing(place: Place) -> None:
    """Somebody whom the provider calls like a local account is another person, with another name."""
    await place.console.person("root", Role.ADMIN)
    place.provider.people["s-eve"] = {**ADA, "name": "root"}
    token = await place.token("s-eve")
    rows = await place.console.pool.fetch("select name, roles, issuer from access.people order by added_at, name")
    names = [row["name"] for row in rows]
    assert (names[0], rows[0]["roles"], rows[0]["issuer"]) == ("root", ["admin"], None)
    assert re.fullmatch(r"root-[0-9a-f]{8}", names[1])
    assert await place.reads(token) == 200


async def test_roles_follow_the_claims(place: Place) -> None:
    """At the next sign-in and at the next look; what changes ends the sessions that had it otherwise."""
    first = await place.token("s-ada")
    place.provider.people["s-ada"]["groups"] = ["leads", "of-all"]
    second = await place.token("s-ada")
    assert (await place.reads(first), await place.reads(second)) == (401, 200)
    row = await place.console.pool.fetchrow("select roles, tenants from access.people")
    assert (row["roles"], row["tenants"]) == (["checker"], None)
    place.provider.people["s-ada"]["groups"] = ["leads", "of-acme"]
    place.console.later(seconds=30)
    await place.until(second, 401)
    place.provider.people["s-ada"]["groups"] = []
    third = await place.come("s-ada")
    assert third.status_code == 401
    row = await place.console.pool.fetchrow("select roles, tenants from access.people")
    assert (row["roles"], row["tenants"]) == ([], [])
    changed = [each for each in await place.console.entries() if each.action == "access.changed_by_provider"]
    assert [each.details["sessions_ended"] for each in changed] == [1, 1, 0]
    assert changed[0].details["roles_before"] == "analyst"


async def test_who_leaves_the_house_is_out_within_a_minute(place: Place) -> None:
    """Half a minute later the provider is asked, says no, and every session of theirs has ended."""
    tokens = [await place.token("s-ada") for _ in range(2)]
    place.console.later(seconds=30)
    await place.until(tokens[0], 200)
    del place.provider.people["s-ada"]
    assert await place.reads(tokens[0]) == 200, "it was asked a moment ago"
    place.console.later(seconds=30)
    for each in tokens:
        await place.until(each, 401)
    ended = [each for each in await place.console.entries() if each.action == "access.ended_by_provider"]
    assert {each.details["why"] for each in ended} == {"provider_says_no"}
    place.console.later(seconds=30)
    await place.sign_on.look_again()
    assert await place.console.pool.fetchval("select count(*) from access.vouchers") == 0


async def test_while_the_provider_is_away_a_session_goes_on_for_five_minutes(place: Place) -> None:
    """Then nobody is let in by it, until the provider says again that it may; nobody signs in meanwhile."""
    token = await place.token("s-ada")
    place.provider.away = True
    place.console.later(minutes=4)
    await place.sign_on.look_again()
    assert await place.reads(token) == 200
    place.console.later(minutes=1, seconds=1)
    await place.sign_on.look_again()
    assert await place.reads(token) == 401
    assert (await place.get("/sign-in/provider")).status_code in (303, 503)
    place.provider.away = False
    place.console.later(seconds=30)
    await place.until(token, 200)


async def test_a_revocation_here_ends_it_at_once_and_for_good(place: Place) -> None:
    """Whatever the provider says; nor is such an account given a password, or other roles than its claims."""
    token = await place.token("s-ada")
    register = place.console.register
    with pytest.raises(LookupError, match="provider"):
        await register.enrol("ada.l", "x", BY, place.console.now)
    with pytest.raises(LookupError, match="provider"):
        await register.give_roles("ada.l", [Role.ADMIN], None, BY, place.console.now)
    await register.revoke("ada.l", BY, place.console.now)
    assert await place.reads(token) == 401
    assert (await place.come("s-ada")).status_code == 401
    assert await place.refusals() == ["revoked"]


async def test_a_one_time_code_of_ours_confirms_nothing_of_theirs(place: Place) -> None:
    """Who signed in by a provider has no code here: imagery stays closed to them, in the words of every refusal."""
    token = await place.token("s-ada")
    from proofwatch.access.errors import SignInRefused
    from proofwatch.access.postgres import PostgresPeople

    people = PostgresPeople(place.console.pool, seal=parse_code_keys(KEY))
    with pytest.raises(SignInRefused):
        await people.confirm(token, "123456", place.console.now)
    with pytest.raises(SignInRefused):
        await people.sign_in("ada.l", "", "123456", place.console.now)


async def test_a_provider_that_gives_nothing_to_ask_again_with_lets_nobody_in(place: Place) -> None:
    place.provider.gives_no_refresh = True
    assert (await place.come("s-ada")).status_code == 401
    assert await place.refusals() == ["no_refresh_token"]


async def test_passwords_can_be_switched_off(place: Place) -> None:
    """The page offers the provider alone; the API refuses before anything is counted."""
    console = place.console
    await console.person("root", Role.ANALYST)
    assert "/sign-in/provider" in (await place.get("/sign-in")).text
    await console.end()
    console.settings = console.settings.model_copy(update={"local_sign_in": False})
    await console.begin()
    page = (await place.get("/sign-in")).text
    assert ("password" in page, "/sign-in/provider" in page) == (False, True)
    assert problem(await sign_in(console, "root")) == (403, "local_sign_in_off")
    assert (await console.client().form("/sign-in", name="root", password="x", code="123456")).status_code == 403
    assert await place.token("s-ada")
