"""What an error of the database means: one classification for everybody."""

import asyncio
import ssl

import asyncpg
import pytest

from proofwatch.bus.errors import DatabaseAway, DatabaseUnfit
from proofwatch.bus.postgres.errors import translated, trouble_of
from proofwatch.bus.postgres.state import DatabaseState


def refused(state: str, message: str = "said the server") -> asyncpg.PostgresError:
    """Return the error as the driver makes it from the server's answer."""
    error: asyncpg.PostgresError = asyncpg.PostgresError.new({"C": state, "M": message, "S": "ERROR"})
    return error


@pytest.mark.parametrize(
    "state",
    [
        "08000",
        "08003",
        "08006",
        "08P01",
        "25006",
        "25P03",
        "25P04",
        "26000",
        "28000",
        "28P01",
        "40001",
        "40P01",
        "42P05",
        "53100",
        "53200",
        "53300",
        "55P03",
        "55006",
        "57014",
        "57P01",
        "57P02",
        "57P03",
        "57P05",
        "58030",
        "72000",
        "XX000",
    ],
)
def test_what_passes_by_itself_is_waited_for(state: str) -> None:
    """Restarts, failovers, overload, locks, limits, logins in reconfiguration: away, and never unfit."""
    error = translated(refused(state), "host:5432, database d")
    assert isinstance(error, DatabaseAway)
    assert not isinstance(error, DatabaseUnfit)
    assert state in str(error)
    assert "host:5432, database d" in str(error)


@pytest.mark.parametrize("state", ["3D000", "3F000", "42501", "42703", "42P01", "42883", "57P04"])
def test_what_no_waiting_mends_says_what_to_do(state: str) -> None:
    """The sentence names what is missing and what to run or to check."""
    error = translated(refused(state, 'relation "windows.fence" does not exist'), "host")
    assert isinstance(error, DatabaseUnfit)
    assert "windows.fence" in str(error)
    assert any(word in str(error) for word in ("proofwatch migrate", "PROOFWATCH_POSTGRES_DSN", "grant"))


@pytest.mark.parametrize(
    "error",
    [
        OSError("refused"),
        ConnectionResetError(),
        TimeoutError(),
        ssl.SSLError("closed"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("cannot call Connection.fetch(): connection has been released back to the pool"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.TargetServerAttributeNotMatched("none of the hosts match"),
        asyncpg.OutdatedSchemaCacheError("changed"),
        refused("0A000", "cached plan must not change result type"),
        asyncpg.InvalidCachedStatementError("cached statement plan is invalid"),
    ],
    ids=repr,
)
def test_the_client_s_own_errors_of_a_connection_are_waited_for(error: Exception) -> None:
    """Resets, time-outs, closed sessions, standbys only, and statements older than the schema."""
    assert trouble_of(error) is not None


@pytest.mark.parametrize(
    "error",
    [
        refused("22012", "division by zero"),
        refused("23505", "duplicate key"),
        refused("42601", "syntax error"),
        refused("0A000", "LOCK TABLE is not supported here"),
        asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed"),
        ValueError("ours"),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
def test_our_own_mistakes_are_raised_as_they_are(error: BaseException) -> None:
    """Waiting would hide them for ever."""
    assert translated(error, "host") is None


def test_a_closed_connection_is_judged_by_what_the_server_said_last() -> None:
    """The driver reports the loss, and has the server's last word as its cause."""
    error = asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    error.__cause__ = refused("25P04", "terminating connection due to transaction timeout")
    found = translated(error, "host")
    assert found is not None
    assert "25P04" in str(found)


def test_an_outage_is_over_when_everybody_was_served_in_what_had_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Another's success, or success in a step before, is none: a right that is missing does not flicker."""
    state = DatabaseState(lambda: 7.0)
    for _ in range(50):
        state.failed("commit a/0", DatabaseAway("gone"))
        state.succeeded("acquire a/0")
    state.succeeded("commit a/0")
    state.succeeded("commit a/0")
    said = capsys.readouterr().out
    assert said.count("database_away ") == 1
    assert said.count("database_away_over") == 1


def test_one_who_does_not_try_any_more_is_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    """Its partition went to another process in the outage: that is no reason to be away for ever."""
    now = [0.0]
    state = DatabaseState(lambda: now[0])
    state.failed("commit a/0", DatabaseAway("gone"))
    state.failed("commit a/1", DatabaseAway("gone"))
    now[0] = 30.0
    state.failed("commit a/1", DatabaseAway("gone"))
    now[0] = 61.0
    state.succeeded("commit a/1")
    assert "database_away_over" in capsys.readouterr().out
