"""What an error of PostgreSQL means to whoever meets it: wait, let an operator act, or end; in one place for all.

By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html), the longest prefix that is listed; errors
of the client by their kind. What is not listed is a mistake in our statements or data, and is raised as it is.
"""

import ssl
from collections.abc import Mapping
from typing import Final, NamedTuple

import asyncpg

from proofwatch.bus.errors import DatabaseAway, DatabaseUnfit

_MIGRATE: Final = "run `proofwatch migrate` of this release"


class Trouble(NamedTuple):
    """What is the matter, in words for an operator, and whether it passes without one."""

    kind: str
    passes: bool
    words: str


_AWAY: Final = Trouble("away", True, "does not answer, or ended the connection")
_TLS: Final = Trouble(
    "tls", True, "does not speak TLS as asked: check sslmode, sslrootcert and the host name in PROOFWATCH_POSTGRES_DSN"
)
_READ_ONLY: Final = Trouble("read_only", True, "is read-only: after a failover this is no longer the primary")
_LOGIN: Final = Trouble("login", True, "refuses the login: check user, password and pg_hba.conf")
_BUSY: Final = Trouble("busy", True, "is out of connections, memory or disk space")
_LOCKED: Final = Trouble("locked", True, "gave up a transaction: locks, a time limit or a conflict")
_CHANGED: Final = Trouble("changed", True, "was changed while statements were in use")
_POOLER: Final = Trouble("pooler", True, "lies behind a pooler of transactions; statements are no longer kept")
_FAULT: Final = Trouble("fault", True, "reports a fault of its own: see the server's log")
_SCHEMA: Final = Trouble("schema", False, f"lacks tables or columns: {_MIGRATE}")
_DATABASE: Final = Trouble("database", False, "has no such database: check PROOFWATCH_POSTGRES_DSN, or create it")
_RIGHTS: Final = Trouble("rights", False, "denies this user what the service needs: grant it, or run as the owner")

_BY_STATE: Final[Mapping[str, Trouble]] = {
    "08": _AWAY,
    "25006": _READ_ONLY,
    "25P03": _LOCKED,
    "25P04": _LOCKED,
    "26000": _POOLER,
    "28": _LOGIN,
    "3D000": _DATABASE,
    "3F000": _SCHEMA,
    "40": _LOCKED,
    "42501": _RIGHTS,
    "42703": _SCHEMA,
    "42704": _SCHEMA,
    "42804": _SCHEMA,
    "42883": _SCHEMA,
    "42P01": _SCHEMA,
    "42P05": _POOLER,
    "42P10": _SCHEMA,
    "53": _BUSY,
    "55000": _AWAY,
    "55006": _LOCKED,
    "55P03": _LOCKED,
    "57": _AWAY,
    "57014": _LOCKED,
    "57P04": _DATABASE,
    "58": _FAULT,
    "72": _LOCKED,
    "XX": _FAULT,
}
_CONNECTION: Final = ("connection", "pool is", "another operation", "underlying")
"""Words of those interface errors that speak of the connection's state, and not of arguments."""
_RECONNECT: Final = frozenset({"read_only", "login", "pooler", "changed"})


def trouble_of(error: BaseException) -> Trouble | None:
    """Return what `error` means; None: nothing that waiting or an operator at the database could mend."""
    if isinstance(error, asyncpg.ConnectionDoesNotExistError) and isinstance(error.__cause__, asyncpg.PostgresError):
        error = error.__cause__  # the server said why it closed the connection
    if isinstance(error, asyncpg.InvalidCachedStatementError | asyncpg.OutdatedSchemaCacheError):
        return _CHANGED
    if isinstance(error, asyncpg.PostgresError):
        return _of_state(error)
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return _READ_ONLY
    if isinstance(error, asyncpg.InterfaceError):
        spoken = str(error).lower()
        usable = isinstance(error, ValueError)  # wrong arguments and configuration
        return _AWAY if not usable and any(word in spoken for word in _CONNECTION) else None
    if isinstance(error, ssl.SSLError) or (isinstance(error, ConnectionError) and "SSL" in str(error)):
        return _TLS
    if isinstance(error, OSError | TimeoutError | EOFError | asyncpg.InternalClientError):
        return _AWAY
    return None


def translated(error: BaseException, where: str) -> DatabaseAway | None:
    """Return `error` as one of the bus, naming the database by `where`; None: it is to be raised as it is."""
    trouble = trouble_of(error)
    if trouble is None:
        return None
    if isinstance(error.__cause__, asyncpg.PostgresError):
        error = error.__cause__
    state = getattr(error, "sqlstate", None)
    name = f"{type(error).__name__} {state}" if state else type(error).__name__
    kind = DatabaseAway if trouble.passes else DatabaseUnfit
    return kind(f"PostgreSQL at {where} {trouble.words} ({name}{_named(error, trouble)})", trouble.kind)


def reconnects(error: DatabaseAway) -> bool:
    """Return whether sessions that are open must be given up: another server, or other rights, may be there now."""
    return error.kind in _RECONNECT


def _of_state(error: asyncpg.PostgresError) -> Trouble | None:
    state = getattr(error, "sqlstate", None) or ""
    if state == "0A000" and "cached plan" in str(error):
        return _CHANGED
    return next((_BY_STATE[state[:n]] for n in (5, 2) if state[:n] in _BY_STATE), None)


def _named(error: BaseException, trouble: Trouble) -> str:
    """Add what the server said where it names the thing that is missing; names of tables and roles, never data."""
    return f": {error}" if not trouble.passes else ""
