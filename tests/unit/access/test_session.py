"""When a session holds, what it allows, and what is kept of a token."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import Act, Role
from proofwatch.access.session import LIFETIMES, SKEW, Session, is_alive, token_hash, token_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SESSION = Session("s", "p", frozenset({"acme"}), frozenset({Role.ANALYST}), NOW, NOW, NOW + LIFETIMES.whole)
seconds = st.integers(-100_000, 100_000).map(lambda number: timedelta(seconds=number))


def test_a_token_is_32_random_bytes_of_which_the_hash_is_kept() -> None:
    """43 characters, in the alphabet of addresses and cookies."""
    token = token_of(bytes(range(32)))
    assert len(token) == 43
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token_hash(token) == hashlib.sha256(token.encode()).digest()
    with pytest.raises(ValueError, match="32 random bytes, not 16"):
        token_of(bytes(16))


@given(seconds, seconds)
def test_a_session_holds_between_its_bounds_and_nowhere_else(seen: timedelta, at: timedelta) -> None:
    """Not before what it has seen, not a quarter of an hour after, not after twelve hours."""
    seen_at, now = NOW + abs(seen), NOW + at
    alive = is_alive(SESSION, seen_at, now)
    assert alive is (seen_at - SKEW <= now < min(seen_at + LIFETIMES.idle, SESSION.expires_at))


@given(seconds)
def test_a_fresh_code_is_fresh_for_so_long_and_not_before(at: timedelta) -> None:
    """A clock that was set back makes no code fresh."""
    within = timedelta(minutes=5)
    assert SESSION.has_confirmed(NOW + at, within) is (-SKEW <= at <= within)


def test_a_session_sees_its_tenants_alone() -> None:
    """None are all; none at all are none."""
    assert SESSION.sees("acme")
    assert not SESSION.sees("ACME")
    assert not replace(SESSION, tenants=frozenset()).sees("acme")
    assert replace(SESSION, tenants=None).sees("acme")
    assert SESSION.may(Act.TAKE_CASE)
    assert not SESSION.may(Act.ASSIGN_CASE)
