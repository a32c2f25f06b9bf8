"""Who keeps an act waiting that must not wait: a revocation, an erasure, a hold. They are named, and then ended.

Any role of the database can hold what such an act changes, by a row or an advisory lock, and may set its own limits of
time back. So the act is looked after on a second connection: within two seconds a sentence says who holds it up, and
after five those are ended, by a function of the schema `access` that only such acts' roles may call. What loses its
transaction by that is a lane or a command that begins it anew.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, NamedTuple

import asyncpg
import structlog

from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.patience import goes_on
from proofwatch.bus.postgres.pool import is_limited, session

TOLD_S: Final = 2.0
"""After so many seconds of an act it is said who keeps it waiting."""
ENDED_S: Final = 5.0
"""After so many they are ended: a lane's transaction takes less, and is repeated where it does not."""
_LOOKS_EVERY_S: Final = 0.5
_WAITS: Final = "set local lock_timeout = '12s'"
_PID: Final = "select pg_backend_pid()"
_HOLDERS: Final = "select pid, role, application from access.holders_of($1)"
_END: Final = "select pid from access.end_holders($1) as ended(pid)"
_log = structlog.get_logger(__name__)
Tell = Callable[[str], None]


class Holder(NamedTuple):
    """A session that holds what another waits for. Pid 0: a transaction that was prepared and forgotten."""

    pid: int
    role: str | None
    application: str | None

    def __str__(self) -> str:
        if self.pid == 0:
            return "a prepared transaction (pg_prepared_xacts)"
        named = f"application {self.application!r}, " if self.application else ""
        return f"role {self.role or 'of the server itself'} ({named}pid {self.pid})"


class Ended:
    """Which roles lost their sessions by an act so far; who acts enters them."""

    def __init__(self) -> None:
        self.at_work = asyncio.Lock()
        """Held while somebody is ended: the act goes on before the server has said that they are."""
        self._roles = set[str]()

    def add(self, holders: Sequence[Holder]) -> None:
        """Remember whose sessions were ended."""
        self._roles |= {each.role for each in holders if each.role}

    async def roles(self) -> Sequence[str]:
        """Return them, sorted, once it is known whose they were."""
        async with self.at_work:
            return sorted(self._roles)


def logged(sentence: str) -> None:
    """Tell the log of a process; a command has none, and writes to its standard error."""
    _log.warning("kept_waiting", by=sentence)


@asynccontextmanager
async def unhindered(pool: "asyncpg.Pool", tx: Any, user: str, what: str, tell: Tell = logged) -> AsyncIterator[Ended]:
    """Let what is done in the transaction `tx` wait for nobody for long; give what that took.

    `what`: the act, as in "the revocation". Raises `DatabaseAway`, naming who held it up, where they could not be ended
    within twelve seconds. A database that ends with its process has nobody else.
    """
    ended = Ended()
    if not is_limited(pool):
        yield ended
        return
    await tx.execute(_WAITS)
    looking = _Looking(pool, user, await tx.fetchval(_PID), what, tell, ended)
    watch = asyncio.create_task(looking.run())
    try:
        yield ended
    except asyncpg.LockNotAvailableError as error:
        raise DatabaseAway(looking.gave_up(), "locked") from error
    finally:
        async with ended.at_work:
            watch.cancel()
        with suppress(asyncio.CancelledError):
            await watch


class _Looking:
    """Looks, while the act goes on, whether it waits and for whom."""

    def __init__(self, pool: "asyncpg.Pool", user: str, pid: int, what: str, tell: Tell, ended: Ended) -> None:
        self._pool, self._user, self._pid = pool, user, pid
        self._what, self._tell, self._ended = what, tell, ended
        self._last: Sequence[Holder] = ()

    async def run(self) -> None:
        """Look until cancelled."""
        waited_s, told = 0.0, frozenset[Holder]()
        while True:
            await asyncio.sleep(_LOOKS_EVERY_S)
            with suppress(DatabaseAway):  # the act itself meets it
                found = await self._holders()
                waited_s = waited_s + _LOOKS_EVERY_S if found else 0.0
                if not found:
                    continue
                goes_on()
                self._last = found
                if waited_s >= TOLD_S and (fresh := frozenset(found) - told):
                    told |= fresh
                    self._tell(f"{self._what} is kept waiting by {_listed(sorted(fresh))}")
                if waited_s >= ENDED_S:
                    await self._end(found)

    def gave_up(self) -> str:
        """Return the sentence for an act that could not be done."""
        who = _listed(self._last) if self._last else "sessions that come and go"
        return (
            f"{self._what} was not done, for it was kept waiting by {who}. Such sessions are ended where the role of "
            f"the migrations may (apply `proofwatch acls --format sql` again); those of administrators, and of the "
            f"acting role itself, only by hand: select pg_terminate_backend(pid). Then try again"
        )

    async def _holders(self) -> list[Holder]:
        async with session(self._pool, self._user) as connection:
            return [Holder(*row) for row in await connection.fetch(_HOLDERS, self._pid)]

    async def _end(self, found: Sequence[Holder]) -> None:
        async with self._ended.at_work:
            async with session(self._pool, self._user) as connection:
                gone = {row[0] for row in await connection.fetch(_END, self._pid)}
            ended = [each for each in found if each.pid in gone]
            self._ended.add(ended)
            if ended:
                self._tell(f"{self._what} waited for {ENDED_S:.0f} s; ended: {_listed(ended)}")


def _listed(holders: Sequence[Holder]) -> str:
    return ", ".join(map(str, holders[:5])) + (f" and {len(holders) - 5} more" if len(holders) > 5 else "")
