"""Two hundred acts at random beside a model of a dozen lines: who is in is who should be, after each of them."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from proofwatch.access.errors import AccessDenied
from proofwatch.access.register import NoSuchPerson
from proofwatch.access.roles import Role
from proofwatch.access.session import LIFETIMES, SKEW
from tests.integration.access.house import BY, PASSWORD, House

NAMES = ("ada", "bob", "eve")


@dataclass
class Expected:
    """A token: whose, until when, when it was last used, and whether something ended it."""

    name: str
    until: datetime
    used: datetime
    ended: bool = False


@dataclass
class Model:
    """What should be."""

    tokens: dict[str, Expected] = field(default_factory=dict)
    revoked: set[str] = field(default_factory=set)
    entries: int = 0

    def end(self, name: str | None = None) -> None:
        for each in self.tokens.values():
            each.ended |= name in (None, each.name)

    def holds(self, token: str, now: datetime) -> bool:
        each = self.tokens[token]
        return not each.ended and each.used - SKEW <= now < min(each.until, each.used + LIFETIMES.idle)


class Walk:
    """One walk; each act says what it changed in the model."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.random, self.model = house, random.Random(seed), Model()
        self.latest = house.now

    async def act(self) -> None:
        house, name = self.house, self.random.choice(NAMES)
        kind = self.random.choice(["sign_in"] * 4 + ["wrong", "out", "roles", "enrol", "time", "time", "back"])
        kind = "revoke" if self.random.random() < 0.01 else kind
        if kind == "time":
            house.later(seconds=self.random.choice([30, 300, 899, 901, 7200]))
        elif kind == "back":
            await self.look_with_the_clock_set_back()
        elif kind in ("sign_in", "wrong"):
            await self.sign_in(name, right=kind == "sign_in")
        elif kind == "out" and self.model.tokens:
            token = self.random.choice(sorted(self.model.tokens))
            self.model.entries += not self.model.tokens[token].ended
            self.model.tokens[token].ended = True
            await house.people.sign_out(token, house.now)
        elif kind in ("roles", "enrol", "revoke"):
            await self.change(kind, name)

    async def sign_in(self, name: str, *, right: bool) -> None:
        house, self.model.entries = self.house, self.model.entries + 1
        house.later(seconds=2000)  # longer than any wait
        code = house.code(name)
        if not right or name in self.model.revoked:
            with pytest.raises(AccessDenied):
                await house.people.sign_in(name, PASSWORD if right else "wrong " * 4, code, house.now)
            return
        token, opened = await house.people.sign_in(name, PASSWORD, code, house.now)
        self.model.tokens[token] = Expected(name, opened.expires_at, house.now)

    async def change(self, kind: str, name: str) -> None:
        register, now = self.house.register, self.house.now
        if name in self.model.revoked:
            with pytest.raises(NoSuchPerson):
                await register.revoke(name, BY, now)
            return
        self.model.entries += 1
        self.model.end(name)
        if kind == "roles":
            await register.give_roles(name, [self.random.choice(list(Role))], None, BY, now)
        elif kind == "enrol":
            await self.house.enrol(name)
        else:
            self.model.revoked.add(name)
            await register.revoke(name, BY, now)

    async def look_with_the_clock_set_back(self) -> None:
        before = self.house.now - timedelta(seconds=self.random.choice([6, 3600]))
        for token, each in self.model.tokens.items():
            found = await self.house.people.session_of(token, before)
            assert (found is not None) <= (not each.ended and before >= each.used - SKEW)

    async def look(self) -> None:
        for token, each in self.model.tokens.items():
            holds = self.model.holds(token, self.house.now)
            found = await self.house.people.session_of(token, self.house.now)
            assert (found is not None) is holds, each
            if found:
                noted = self.house.now - each.used >= timedelta(seconds=15)
                each.used = self.house.now if noted else each.used
            async with self.house.pool.acquire() as connection, connection.transaction():
                if found:
                    assert await self.house.people.locked(connection, found.session_id, self.house.now) == found


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_happens_who_is_in_is_who_should_be(house: House, seed: int) -> None:
    """And each act that was done or denied is one entry, no more and no less."""
    for name in NAMES:
        await house.add(name)
    walk = Walk(house, seed)
    begun = len(await house.entries())
    for _ in range(100):
        await walk.act()
        await walk.look()
    assert len(await house.entries()) - begun == walk.model.entries
    assert len(walk.model.tokens) > 20
