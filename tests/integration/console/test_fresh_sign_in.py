"""Imagery for who came by the provider: a sign-in that is fresh, of the same person, in the same session; or none."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from proofwatch.access.hand_over import PostgresHandover, challenge_of
from proofwatch.web.server import Server
from proofwatch.web.sessions import PeopleSessions
from services.console.who import BROWSER, COOKIE
from services.imagery.api.entrance import Entrance
from services.imagery.api.routes import COOKIE as OF_BROKER
from services.imagery.api.routes import application
from tests.integration.access.house import BY
from tests.integration.console.place import ADA, Place, cookie_in
from tests.integration.imagery.house import CASE, TENANT, TRANSACTION, House
from tests.support.devtools import Browser
from tests.support.runner import free_port

VERIFIER = "v" * 43
REFUSED = "access.confirm_refused"
WANTED = {"tenant": TENANT, "case_id": CASE, "transaction_id": TRANSACTION, "reason": "one face, two names"}


class Viewed:
    """The broker beside the console, and what its page sends."""

    def __init__(self, place: Place, house: House, port: int) -> None:
        self.place, self.house, self.port = place, house, port
        self.origin = f"http://localhost:{port}"

    async def post(self, path: str, body: object, token: str = "") -> httpx.Response:
        headers = {"origin": self.origin} | ({"cookie": f"{OF_BROKER}={token}"} if token else {})
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}/api", timeout=60) as client:
            return await client.post(path, json=body, headers=headers)

    async def ticket(self, token: str, verifier: str = VERIFIER) -> str:
        """Come from the broker's page to the console, sign in afresh if that is asked for, and go back."""
        path = f"/imagery/enter?{urlencode({'challenge': challenge_of(verifier), 'here': 'true'})}"
        to = (await self.place.get(path, **{COOKIE: token})).headers["location"]
        if not to.startswith(self.origin):
            back, browser = await self.place.sent("s-ada", path, **{COOKIE: token})
            assert (await self.place.get(back, **{BROWSER: browser})).status_code == 200
            to = (await self.place.get(path, **{COOKIE: token})).headers["location"]
        assert to.startswith(f"{self.origin}/#"), to
        return dict(parse_qsl(urlsplit(to).fragment))["ticket"]

    async def entered(self, ticket: str, verifier: str = VERIFIER) -> httpx.Response:
        return await self.post("/session/entered", {"ticket": ticket, "verifier": verifier})

    async def session(self, token: str) -> str:
        answer = await self.entered(await self.ticket(token))
        assert answer.status_code == 204, answer.text
        return cookie_in(answer, OF_BROKER)

    async def leased(self, token: str) -> str:
        """Ask for a lease; return why there is none."""
        answer = await self.post("/imagery/leases", WANTED, token)
        return "" if answer.status_code == 201 else str(answer.json()["code"])


@pytest.fixture
async def viewed(place: Place, tmp_path: Path) -> AsyncIterator[Viewed]:
    """With a case of Ada's, whom the provider knows."""
    console = place.console
    place.provider.people["s-ada"] = {**ADA, "groups": ["analysts", "of-all"]}
    house, built = House(console.pool, tmp_path), free_port()
    clock: Any = console
    house.clock = clock
    found = Viewed(place, house, built)
    entrance = Entrance(PostgresHandover(console.pool), console.origin, clock)
    broker = house.broker()
    sessions = PeopleSessions(house.people, clock)
    server = Server(application(broker, house.glass(broker), sessions, found.origin, entrance), "127.0.0.1", built)
    await server.start()
    running = asyncio.create_task(server.run())
    await console.end()
    console.settings = console.settings.model_copy(update={"console_imagery_origin": found.origin})
    await console.begin()
    await house.begin()
    await place.token("s-ada")
    house.ids["ada"] = await console.pool.fetchval("select person_id from access.people where subject = 's-ada'")
    await house.case()
    try:
        yield found
    finally:
        await house.end()
        await server.stop()
        await running


async def shown(place: Place, token: str) -> float:
    """Seconds since a session was confirmed."""
    row = await place.console.pool.fetchrow("select * from access.running(sha256($1))", token.encode())
    return float((place.console.now - row["mfa_at"]).total_seconds())


async def test_a_fresh_sign_in_confirms_the_session_that_it_was_begun_in(place: Place) -> None:
    """The provider is told that it must be fresh; one is led back; the session stays, and it is on record."""
    token = await place.token("s-ada")
    place.console.later(minutes=4)
    assert await shown(place, token) == 240
    back, browser = await place.again("s-ada", token, "/cases/one")
    asked = place.provider.sought[-1]
    assert (asked["max_age"], asked["prompt"], "acr_values" in asked) == ("0", "login", False)
    answer = await place.get(back, **{BROWSER: browser})
    assert (answer.status_code, 'content="0;url=/cases/one"' in answer.text) == (200, True)
    assert cookie_in(answer, COOKIE) == "", "it is the same session"
    assert await shown(place, token) == 0
    entry = next(each for each in await place.console.entries() if each.action == "access.confirmed")
    assert (entry.outcome, entry.details["by"]) == ("done", "provider")
    place.console.later(seconds=30)
    await place.sign_on.look_again()
    assert await place.reads(token) == 200


def _says(**claims: Any) -> Any:
    return lambda found: found.update(claims)


def _auth_time(by: float) -> Any:
    return lambda claims: claims.update(auth_time=claims["iat"] + by)


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (lambda claims: claims.pop("auth_time"), "auth_time_missing"),
        (_says(auth_time="now"), "not_believed"),
        (_says(auth_time=True), "auth_time_missing"),
        (_auth_time(-31), "auth_time_old"),
        (_auth_time(-36_000), "auth_time_old"),
        (_auth_time(31), "auth_time_ahead"),
        (_auth_time(float(10**12)), "auth_time_ahead"),
        (_says(amr=["pwd"]), "second_factor_missing"),
        (_says(amr=["pwd"], acr="otp"), "second_factor_missing"),
        (lambda claims: claims.pop("amr"), "second_factor_missing"),
        (_says(nonce="of another"), "not_believed"),
    ],
)
async def test_a_sign_in_that_is_not_fresh_confirms_nothing(place: Place, lie: Any, why: str) -> None:
    """No time, an old one, one to come, no second factor: a sentence for who tried, an entry, and the session stays."""
    token = await place.token("s-ada")
    place.console.later(minutes=4)
    back, browser = await place.again("s-ada", token)
    place.provider.lie = lie
    answer = await place.get(back, **{BROWSER: browser})
    assert (answer.status_code, "imagery stays closed" in answer.text) == (403, True)
    assert await place.refusals(REFUSED) == [why]
    assert (await shown(place, token), await place.reads(token)) == (240, 200)


async def test_what_the_userinfo_endpoint_says_makes_nothing_fresh(place: Place) -> None:
    """It is of no sign-in: only the ID token is."""
    token = await place.token("s-ada")
    place.console.later(minutes=4)
    place.provider.says_more = {"auth_time": int(place.console.now.timestamp()), "amr": ["otp"]}
    place.provider.lie = lambda claims: list(map(claims.pop, ("auth_time", "amr"))).clear()
    back, browser = await place.again("s-ada", token)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 403
    assert await shown(place, token) == 240


async def test_a_level_that_is_not_reached_confirms_nothing(place: Place) -> None:
    """Where the house names levels (`acr`) they are asked for; one that was reached before is of another sign-in."""
    console = place.console
    file = console.settings.oidc_claims_file
    assert file is not None
    text = await asyncio.to_thread(file.read_text)
    await asyncio.to_thread(file.write_text, text.replace("{amr: [otp, hwk]}", "{acr: [gold, 'urn:mfa']}"))
    await console.end()
    await console.begin()
    place.provider.people["s-ada"]["acr"] = "gold"
    token = await place.token("s-ada")
    console.later(minutes=4)
    place.provider.people["s-ada"]["acr"] = "silver"
    back, browser = await place.again("s-ada", token)
    assert place.provider.sought[-1]["acr_values"] == "gold urn:mfa"
    assert (await place.get(back, **{BROWSER: browser})).status_code == 403
    assert await place.refusals(REFUSED) == ["second_factor_missing"]
    place.provider.people["s-ada"]["acr"] = "gold"
    back, browser = await place.again("s-ada", token)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 200
    assert await shown(place, token) == 0


async def test_without_a_second_factor_of_which_is_told_nothing_is_fresh(place: Place) -> None:
    """A password alone opens no imagery; the sentence says what the operator would set."""
    console = place.console
    file = console.settings.oidc_claims_file
    assert file is not None
    text = await asyncio.to_thread(file.read_text)
    await asyncio.to_thread(file.write_text, text.replace("second_factor: {amr: [otp, hwk]}", ""))
    await console.end()
    await console.begin()
    token = await place.token("s-ada")
    back, browser = await place.again("s-ada", token)
    answer = await place.get(back, **{BROWSER: browser})
    assert (answer.status_code, "second_factor" in answer.text) == (403, True)
    assert await place.refusals(REFUSED) == ["second_factor_untold"]


async def test_another_person_confirms_nothing(place: Place) -> None:
    """Who else signs in there gets no session by it, changes nothing of this one, and it is on record."""
    place.provider.people["s-eve"] = {**ADA, "name": "eve"}
    token = await place.token("s-ada")
    place.console.later(minutes=4)
    for lie in (lambda claims: None, lambda claims: claims.pop("auth_time")):
        place.provider.lie = lie
        back, browser = await place.again("s-eve", token)
        answer = await place.get(back, **{BROWSER: browser})
        assert (answer.status_code, cookie_in(answer, COOKIE)) == (403, "")
        assert "omebody else signed in" in answer.text
    assert await place.refusals(REFUSED) == ["other_person", "other_person"]
    assert (await shown(place, token), await place.reads(token)) == (240, 200)
    assert await place.console.pool.fetchval("select count(*) from access.people") == 1


async def test_a_way_back_confirms_once_in_its_browser_and_while_its_session_goes_on(place: Place) -> None:
    """Neither again, nor elsewhere, nor after ten minutes, nor for another session, nor for one that is over."""
    token = await place.token("s-ada")
    back, browser = await place.again("s-ada", token)
    for cookies in ({}, {BROWSER: "another"}):
        assert (await place.get(back, **cookies)).status_code == 400
    assert (await place.get(back, **{BROWSER: browser})).status_code == 200
    place.console.later(minutes=4)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 400
    assert await shown(place, token) == 240
    await place.sign_on.look_again()
    back, browser = await place.again("s-ada", token)
    other = await place.token("s-ada")
    place.console.later(minutes=1)
    assert (await place.get(back, **{BROWSER: browser, COOKIE: other})).status_code == 200
    assert await shown(place, other) == 60, "of the session that asked, whatever cookie comes along"
    back, browser = await place.again("s-ada", token)
    place.console.later(minutes=6)
    await place.sign_on.look_again()
    place.console.later(minutes=5)
    assert (await place.get(back, **{BROWSER: browser})).status_code == 400
    token = await place.token("s-ada")
    back, browser = await place.again("s-ada", token)
    await place.console.client_of(token).form("/sign-out", out="1")
    answer = await place.get(back, **{BROWSER: browser})
    assert (answer.status_code, cookie_in(answer, COOKIE)) == (403, "")
    assert await place.refusals(REFUSED) == ["session_over"]


async def test_what_the_provider_refuses_and_that_it_is_away_is_said(place: Place) -> None:
    """A refusal is an entry; that nobody answers is a sentence: nothing was asked."""
    token = await place.token("s-ada")
    back, browser = await place.again("s-ada", token)
    query = dict(parse_qsl(urlsplit(back).query))
    refused = {"state": query["state"], "error": "access_denied"}
    answer = await place.get(f"/sign-in/returned?{urlencode(refused)}", **{BROWSER: browser})
    assert (answer.status_code, "did not confirm" in answer.text) == (403, True)
    assert await place.refusals(REFUSED) == ["provider_refused"]
    back, browser = await place.again("s-ada", token)
    place.provider.away = True
    answer = await place.get(back, **{BROWSER: browser})
    assert (answer.status_code, "provider does not answer as it should" in answer.text) == (503, True)
    assert await place.reads(token) == 200


async def test_who_has_a_password_here_is_sent_to_no_provider(place: Place) -> None:
    """And who is not signed in is asked to sign in."""
    await place.console.person("root")
    token = place.console.tokens["root"]
    answer = await place.get("/sign-in/again", **{COOKIE: token})
    assert (answer.status_code, "one-time code of this house" in answer.text) == (403, True)
    assert (await place.get("/sign-in/again")).headers["location"].startswith("/sign-in?")


async def test_the_broker_takes_a_fresh_sign_in_within_its_window(viewed: Viewed) -> None:
    """From its page to the console, the provider and back; for a quarter of an hour, then anew."""
    place = viewed.place
    token = await place.token("s-ada")
    place.console.later(minutes=4)
    await place.sign_on.look_again()
    of_broker = await viewed.session(token)
    assert await viewed.leased(of_broker) == ""
    found = []
    for _ in range(4):
        place.console.later(minutes=4)
        assert await place.reads(token) == 200
        await place.sign_on.look_again()
        found.append(await viewed.leased(of_broker))
    assert found == ["", "", "", "confirmation_old"]
    assert await viewed.leased(await viewed.session(token)) == ""
    began = [each for each in await viewed.house.entries("access.signed_in") if each.details["by"] == "handover"]
    assert len(began) == 2


async def test_a_session_at_the_broker_ends_with_that_of_the_console(viewed: Viewed) -> None:
    """By signing out there, by the provider's word, by a revocation, or where the provider is away for long."""
    place, console = viewed.place, viewed.place.console
    first = await place.token("s-ada")
    of_broker = await viewed.session(first)
    answer = await console.client_of(first).form("/sign-out", out="1")
    assert answer.headers["location"] == "/sign-in?out=true", answer.text
    assert await viewed.leased(of_broker) == "not_signed_in"
    second = await place.token("s-ada")
    of_broker = await viewed.session(second)
    kept = dict(place.provider.people)
    place.provider.people.clear()
    console.later(seconds=30)
    await place.until(second, 401)
    assert await viewed.leased(of_broker) == "not_signed_in"
    place.provider.people.update(kept)
    third = await place.token("s-ada")
    of_broker = await viewed.session(third)
    place.provider.away = True
    console.later(minutes=6)
    await place.sign_on.look_again()
    assert await viewed.leased(of_broker) == "not_signed_in"
    place.provider.away = False
    of_broker = await viewed.session(await place.token("s-ada"))
    assert await viewed.leased(of_broker) == ""
    console.later(minutes=4)
    await place.sign_on.look_again()
    console.later(minutes=4)
    assert await viewed.leased(of_broker) == "", "it is vouched for as that which it comes from"
    await console.register.revoke("ada.l", BY, console.now)
    assert await viewed.leased(of_broker) == "not_signed_in"


async def test_signing_out_at_the_broker_ends_that_alone(viewed: Viewed) -> None:
    token = await viewed.place.token("s-ada")
    of_broker = await viewed.session(token)
    assert (await viewed.post("/session/end", {}, of_broker)).status_code == 204
    assert await viewed.leased(of_broker) == "not_signed_in"
    assert await viewed.place.reads(token) == 200


async def test_a_ticket_is_for_one_page_once_within_a_minute(viewed: Viewed) -> None:
    """Not for who has read it in an address, not for who began it elsewhere, not for a session that is over."""
    place, console = viewed.place, viewed.place.console
    token = await place.token("s-ada")
    ticket = await viewed.ticket(token)
    assert (await viewed.entered(ticket, "w" * 43)).status_code == 401
    assert (await viewed.entered(ticket)).status_code == 204
    assert (await viewed.entered(ticket)).status_code == 401
    ticket = await viewed.ticket(token)
    console.later(seconds=61)
    assert (await viewed.entered(ticket)).status_code == 401
    ticket = await viewed.ticket(token)
    await console.client_of(token).form("/sign-out", out="1")
    assert (await viewed.entered(ticket)).status_code == 401
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{viewed.port}/api") as client:
        body = {"ticket": ticket, "verifier": VERIFIER}
        crossing = await client.post("/session/entered", json=body, headers={"origin": "https://evil.example"})
        assert crossing.status_code == 403
    for nonsense in ("", "?challenge=x", f"?challenge={'<' * 43}"):
        assert (await place.get(f"/imagery/enter{nonsense}")).status_code == 422


async def test_a_session_without_a_fresh_sign_in_gets_no_ticket(viewed: Viewed) -> None:
    """However often it asks: it is sent to the provider each time."""
    token = await viewed.place.token("s-ada")
    viewed.place.console.later(minutes=3)
    path = f"/imagery/enter?{urlencode({'challenge': challenge_of(VERIFIER), 'here': 'true'})}"
    for _ in range(2):
        to = (await viewed.place.get(path, **{COOKIE: token})).headers["location"]
        assert to.startswith(f"{viewed.place.provider.issuer}/authorization?"), to
    without = await viewed.place.get(path.replace("&here=true", ""))
    assert (without.status_code, "here=true" in without.text) == (200, True)


@pytest.mark.timeout(600)
async def test_in_a_browser_one_lands_where_one_was_going_and_sees_the_picture(viewed: Viewed, tmp_path: Path) -> None:
    """Three sites, real cookies and policies: the case's link, the broker's page, the provider, and back."""
    place = viewed.place
    place.provider.who = "s-ada"
    async with Browser() as browser:
        await browser.open(f"{place.console.origin}/queue?show=mine")
        await browser.until("document.querySelector('a[href^=\"/sign-in/provider\"]') !== null")
        await browser.value("document.querySelector('a[href^=\"/sign-in/provider\"]').click()")
        await browser.until("location.pathname + location.search === '/queue?show=mine' && document.title !== ''")
        assert await browser.value("document.querySelector('form[action=\"/sign-out\"]') !== null"), "signed in"
        place.console.later(minutes=4)
        await browser.open(f"{viewed.origin}/#tenant={TENANT}&case_id={CASE}&transaction_id={TRANSACTION}")
        await browser.until("!document.getElementById('organisation').hidden")
        await browser.screenshot(tmp_path / "organisation.png")
        await browser.value("document.querySelector('#organisation button').click()")
        await browser.until("document.activeElement?.name === 'reason'")
        assert await browser.value("location.href") == f"{viewed.origin}/", "the ticket stands in no address"
        assert await browser.value("sessionStorage.length") == 0
        assert await browser.value("document.querySelector('#ask [name=case_id]').value") == CASE
        await browser.type("one face, two names")
        await browser.press("Enter")
        await browser.until("document.getElementById('picture').width > 0")
        assert browser.complaints == []
