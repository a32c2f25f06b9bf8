"""A purpose that needs consent: what the person said last, whether or not anybody has read it yet."""

import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import pytest

from proofwatch.access.session import Session
from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.governance.purposes import Purpose
from proofwatch.runtime.service import Service
from services.consents.app import build
from services.consents.config import Settings
from services.imagery.handlers.broker import Broker
from services.imagery.handlers.facts_now import Asked
from services.imagery.handlers.refusals import Denied, Unavailable
from tests.integration.imagery.house import TENANT, House, all_of, asked
from tests.integration.imagery.test_broker import STEPS, slowly

SECRET: Final = bytes(range(32))
PURPOSE: Final = Purpose.IMPROVE_AND_DEVELOP
QUESTION: Final[Asked] = asked()._replace(purpose=PURPOSE)


class Person:
    """Who says things, and the follower that reads them."""

    def __init__(self, house: House, service: Service, broker: Broker, session: Session) -> None:
        self.house, self.service, self.broker, self.session = house, service, broker, session

    async def say(self, *, granted: bool, read: bool = True, **also: Any) -> None:
        self.house.later(seconds=1)
        said = {"purpose": PURPOSE.value, "tenant": TENANT, "subject_ref": "s-1", "granted": granted, **also}
        said = {"schema_version": 1, "asserted_at": self.house.now.isoformat(), **said}
        key = f"{said['tenant']}/{said['subject_ref']}/{said['purpose']}".encode()
        await self.house.bus.publish([Outgoing(topics.CONSENTS, key, json.dumps(said).encode())])
        if read:
            await self.read()

    async def read(self) -> None:
        while await self.service.step():
            pass

    async def lease(self) -> str:
        return (await self.broker.lease(self.session.session_id, QUESTION)).lease_id

    async def refused(self) -> str:
        with pytest.raises(Denied) as error:
            await self.lease()
        return error.value.code


@pytest.fixture
async def person(house: House) -> AsyncIterator[Person]:
    given: Any = {"subject_tag_secret": base64.b64encode(SECRET).decode()}
    service = build(Settings(**given), house.bus, house.pool, house.clock)
    await service.start()
    await house.pool.execute("update imagery.flagged set subject_tag = $1", subject_tag(SECRET, TENANT, "s-1"))
    yield Person(house, service, house.broker(), await house.sign_in())
    await service.stop()


async def test_what_is_granted_opens_and_what_is_not_does_not(person: Person) -> None:
    assert await person.refused() == "consent_missing"
    await person.say(granted=True, purpose=Purpose.TROUBLESHOOTING.value)
    await person.say(granted=True, tenant="heron")
    await person.say(granted=True, subject_ref="s-2")
    assert await person.refused() == "consent_missing", "of another purpose, tenant, person"
    await person.say(granted=True, expires_at=(person.house.now + timedelta(minutes=1)).isoformat())
    lease = await person.lease()
    assert await all_of(await person.broker.show(person.session.session_id, lease, sharp=True))
    person.house.later(seconds=61)
    assert await person.refused() == "consent_missing", "it held until then"
    await person.broker.lease(person.session.session_id, asked())  # what needs no consent asks for none
    assert person.house.fetched == 1


async def test_what_nobody_has_read_may_be_a_withdrawal(person: Person) -> None:
    await person.say(granted=True)
    await person.say(granted=False, subject_ref="somebody else", read=False)
    with pytest.raises(Unavailable, match="one may be a withdrawal"):
        await person.lease()
    await person.read()
    assert await person.lease()


async def withdrawn(person: Person) -> None:
    await person.say(granted=False)


async def withdrawn_unread(person: Person) -> None:
    await person.say(granted=False, read=False)


async def taken_back_altogether(person: Person) -> None:
    person.house.later(seconds=1)
    key = f"{TENANT}/s-1/{PURPOSE.value}".encode()
    await person.house.bus.publish([Outgoing(topics.CONSENTS, key, None)])
    await person.read()


WAYS: Final[list[Callable[[Person], Awaitable[None]]]] = [withdrawn, withdrawn_unread, taken_back_altogether]


async def test_a_withdrawal_between_any_two_steps_shows_nothing(person: Person) -> None:
    for way in WAYS:
        for step in STEPS:
            await person.say(granted=True)
            lease, fetched = await person.lease(), person.house.fetched

            async def act(way: Any = way) -> None:
                await way(person)

            with step(person.house, act), pytest.raises((Denied, Unavailable)):
                await person.broker.show(person.session.session_id, lease, sharp=True)
            assert person.house.fetched - fetched == (0 if step.__name__ == "after_leaving" else 1)
            last = (await person.house.entries())[-1]
            assert (last.action, last.outcome, last.details["bytes"]) == ("imagery.view_ended", "denied", 0)
            await person.read()


async def test_an_open_stream_stops_when_consent_is_withdrawn(person: Person) -> None:
    person.house.terms = person.house.terms._replace(chunk_bytes=512)
    person.broker = person.house.broker()
    for way in WAYS:
        await person.say(granted=True)
        showing = await person.broker.show(person.session.session_id, await person.lease(), sharp=True)
        taken = [await anext(showing.chunks)]
        await way(person)
        with pytest.raises((Denied, Unavailable)):
            await slowly(showing, taken)
        assert len(taken) < 12
        await person.read()
