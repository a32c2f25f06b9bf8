"""Sessions of PostgreSQL that cannot hold a lock for ever, directly or through a pooler of transactions.

A frozen owner loses its locks after 5 s (`lock_timeout`, `idle_in_transaction_session_timeout`). Directly these are
settings of the session. A pooler of transactions (pgbouncer) refuses or ignores them, since sessions are not ours, and
statements cannot be prepared once for many transactions; both are noticed, and from then on every transaction sets its
own limits and no statement is kept. A database that ends with its process (standalone mode) has no owner but this one,
frozen or not: there nothing is limited, and a starved machine takes as long as it takes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
import structlog

from proofwatch.bus.errors import DatabaseAway
from proofwatch.bus.patience import goes_on, silent_at_most
from proofwatch.bus.postgres.connection import Connection
from proofwatch.bus.postgres.errors import reconnects, translated
from proofwatch.bus.postgres.state import DatabaseState

_ACQUIRE_S: Final = 10.0
_TRANSACTION_S: Final = 14.0  # for a statement; before a lane's cap on a step, which knows no database
_ATTENDED_S: Final = 1.0  # a fifth of what ends a transaction
_LIMITS: Final = {"lock_timeout": "5000", "idle_in_transaction_session_timeout": "5000"}
_SESSION: Final = {"application_name": "proofwatch", **_LIMITS, "tcp_user_timeout": "10000"}
_SET: Final = ";".join(f"set local {name} = {value}" for name, value in _LIMITS.items())

_IN_FORCE: Final = "select 1 / (current_setting('lock_timeout') = '5s')::int"
_IGNORED: Final = "startup parameters are ignored"

_log = structlog.get_logger(__name__)
Init = Callable[[Any], Awaitable[None]]


class DatabasePool(asyncpg.Pool):  # type: ignore[misc]  # the driver has no types
    """A pool that knows how the database fares, and whether it is reached through a pooler."""

    def __init__(self, dsn: str, max_size: int, init: Init | None, *, alone: bool = False) -> None:
        self._dsn = dsn
        self._alone = alone
        self.transaction_s: float | None = None if alone else _TRANSACTION_S
        self.acquire_s: float | None = None if alone else _ACQUIRE_S
        """Seconds that a statement of a transaction may take, and that a connection is waited for; None: any."""
        self.where = where(dsn)
        self.state = DatabaseState()
        self.pooled = False
        self._told_init = init
        super().__init__(
            dsn,
            min_size=0,  # else a task of its own reconnects, and logs every attempt with a traceback
            max_size=max_size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            setup=None,
            loop=None,
            init=self._greet,
            reset=_keep,
            connection_class=Connection,
            record_class=asyncpg.Record,
            **self._options(),
        )

    async def through_pooler(self) -> None:
        """Use no session state from now on."""
        if not self.pooled:
            self.pooled = True
            _log.info("database_pooler_noticed", database=self.where)
        self.set_connect_args(self._dsn, **self._options())
        await self.expire_connections()

    def _options(self) -> dict[str, Any]:
        if self._alone:
            return {"timeout": None, "command_timeout": None, "server_settings": {"application_name": "proofwatch"}}
        if self.pooled:
            settings = {"application_name": "proofwatch"}
            return {"timeout": 10, "command_timeout": 60, "statement_cache_size": 0, "server_settings": settings}
        return {"timeout": 10, "command_timeout": 60, "server_settings": dict(_SESSION)}

    async def _greet(self, connection: Any) -> None:
        """Look whether the session's limits are in force; a pooler may have ignored them."""
        if not (self.pooled or self._alone):
            try:
                await connection.execute(_IN_FORCE)  # without arguments nothing is prepared
            except asyncpg.DivisionByZeroError:
                raise asyncpg.ProtocolViolationError(_IGNORED) from None
        if self._told_init:
            await self._told_init(connection)


async def create_pool(dsn: str, *, max_size: int = 10, init: Init | None = None, alone: bool = False) -> DatabasePool:
    """Connect. Raises `BusUnavailable`, naming host and database, when nobody answers or the login is refused.

    Sessions are not reset between uses, which saves a round trip a commit: use `set local`, never `set` or `listen`.
    `init` is awaited with each new connection (type codecs). `alone`: the database is this process's own and ends with
    it, so nothing is limited in time.
    """
    pool = DatabasePool(dsn, max_size, init, alone=alone)
    try:
        await pool
        try:
            await _look(pool)
        except asyncpg.ProtocolViolationError:
            await pool.through_pooler()
            await _look(pool)
    except BaseException as error:
        pool.terminate()
        if known := translated(error, pool.where):
            raise known from error
        raise
    return pool


@asynccontextmanager
async def opened(dsn: str, *, max_size: int = 1) -> AsyncIterator[DatabasePool]:
    """Give a pool for as long as a command needs it. Raises what `create_pool` raises."""
    pool = await create_pool(dsn, max_size=max_size)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def transaction(pool: "asyncpg.Pool", user: str) -> AsyncIterator[Any]:
    """Give a connection in a transaction that ends before a lane's cap on a step; whoever asks is known as `user`.

    Each statement has that long; who computes for seconds between two of them attends to it (`attend`).

    Raises `DatabaseAway` for everything that waiting or an operator can mend.
    """
    async with _served(pool, user), _in_time(pool) as connection:
        begun = connection.transaction()
        try:
            await begun.start()
            if _pooled(pool):
                await connection.execute(_SET)
            yield connection
            await begun.commit()
        except BaseException as error:
            if isinstance(error, asyncio.CancelledError | TimeoutError):
                connection.terminate()  # a server that is frozen would not answer a rollback either
            with suppress(Exception):
                await begun.rollback()
            raise


@asynccontextmanager
async def session(pool: "asyncpg.Pool", user: str) -> AsyncIterator[Any]:
    """Give a connection for single statements, each a transaction of its own where that is possible.

    Raises `DatabaseAway` for everything that waiting or an operator can mend.
    """
    if _pooled(pool):
        async with transaction(pool, user) as connection:
            yield connection
        return
    async with _served(pool, user), _in_time(pool) as connection:
        try:
            yield connection
        except (asyncio.CancelledError, TimeoutError):
            connection.terminate()
            raise


async def attend(connection: Any) -> None:
    """Say that an open transaction is worked on: one in which no statement comes for 5 s is ended.

    Between them Python may have seconds of work, and minutes in all. Other tasks have their turn meanwhile. The server
    is told once a second: asked at every occasion, it would take as long as what is done in between.
    """
    if monotonic() - getattr(connection, "asked_s", 0.0) >= _ATTENDED_S:
        await connection.execute("select 1")
    else:
        goes_on()
        await asyncio.sleep(0)


def where(dsn: str) -> str:
    """Name host, port and database of a DSN, and no secret."""
    parts = urlsplit(dsn)
    host = parts.hostname or ",".join(parse_qs(parts.query).get("host", ["the default socket"]))
    return f"{host}:{parts.port or 5432}, database {parts.path.lstrip('/') or 'by default'}"


async def _look(pool: DatabasePool) -> None:
    async with pool.acquire(timeout=_ACQUIRE_S):
        """Connected, and greeted."""


def is_limited(pool: "asyncpg.Pool") -> bool:
    """Return whether a transaction has but so much time; it has any in a database that ends with its process."""
    return not isinstance(pool, DatabasePool) or pool.transaction_s is not None


@asynccontextmanager
async def _in_time(pool: "asyncpg.Pool") -> AsyncIterator[Any]:
    """Give a connection for as long as the pool allows."""
    known = isinstance(pool, DatabasePool)
    limit_s, acquire_s = (pool.transaction_s, pool.acquire_s) if known else (_TRANSACTION_S, _ACQUIRE_S)
    async with silent_at_most(limit_s), pool.acquire(timeout=acquire_s) as connection:
        yield connection


@asynccontextmanager
async def _served(pool: "asyncpg.Pool", user: str) -> AsyncIterator[None]:
    """Translate errors, and keep account of them."""
    try:
        yield
    except BaseException as error:
        known = error if isinstance(error, DatabaseAway) else translated(error, _where(pool))
        if known is None:
            raise
        if isinstance(pool, DatabasePool):
            pool.state.failed(user, known)
            await _adapt(pool, error, known)
        raise known from error
    if isinstance(pool, DatabasePool):
        pool.state.succeeded(user)


async def _adapt(pool: DatabasePool, error: BaseException, known: DatabaseAway) -> None:
    if known.kind == "pooler" or (isinstance(error, asyncpg.ProtocolViolationError) and "parameter" in str(error)):
        await pool.through_pooler()
    elif reconnects(known):
        await pool.expire_connections()


def _pooled(pool: "asyncpg.Pool") -> bool:
    return isinstance(pool, DatabasePool) and pool.pooled


def _where(pool: "asyncpg.Pool") -> str:
    return pool.where if isinstance(pool, DatabasePool) else "its address"


async def _keep(connection: Any) -> None:
    """Leave the session as it is."""
