"""People in a real database, and a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from argon2 import PasswordHasher

from proofwatch.access import passwords
from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from proofwatch.audit.entry import Entry, entry_of

PASSWORD = "four unrelated words here"
CHEAP = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
BY = By(OPERATOR, "a test")


class House:
    """The register, the people, and the time."""

    def __init__(self, pool: "asyncpg.Pool") -> None:
        self.pool = pool
        self.people, self.register = PostgresPeople(pool), PostgresRegister(pool)
        self.now = START
        self.secrets: dict[str, str] = {}
        self.ids: dict[str, str] = {}

    async def add(self, name: str = "ada", *roles: Role, tenants: tuple[str, ...] | None = None) -> str:
        """Add and enrol somebody, by default an analyst; return the id."""
        self.ids[name] = await self.register.add(name, roles or (Role.ANALYST,), tenants, BY, self.now)
        await self.enrol(name)
        return self.ids[name]

    async def enrol(self, name: str = "ada") -> None:
        self.secrets[name] = await self.register.enrol(name, hashed(PASSWORD, name), BY, self.now)

    def code(self, name: str = "ada", steps: int = 0) -> str:
        """The code that their phone shows, or showed some steps ago."""
        return code_at(self.secrets[name], step_of(self.now) + steps)

    async def sign_in(self, name: str = "ada", password: str = PASSWORD) -> tuple[str, Session]:
        """Sign in with the next code."""
        self.later(seconds=30)
        return await self.people.sign_in(name, password, self.code(name), self.now)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    async def entries(self) -> list[Entry]:
        """What waits for its place in the audit log."""
        rows = await self.pool.fetch("select entry from audit.pending order by pending_id")
        return [entry_of(row["entry"]) for row in rows]

    async def told(self) -> list[tuple[str, str, str | int | None]]:
        """Action, outcome and why, of what was entered since people were added."""
        found = await self.entries()
        return [(e.action, e.outcome, e.details.get("why")) for e in found if e.action.startswith("access.")]


def make_passwords_cheap(patch: pytest.MonkeyPatch) -> None:
    """The real algorithm with hardly any work; its strength is that of `tests/unit/access/test_passwords.py`."""
    patch.setattr(passwords, "_HASHER", CHEAP)
    patch.setattr(passwords, "NOBODYS", CHEAP.hash("nobody's"))
