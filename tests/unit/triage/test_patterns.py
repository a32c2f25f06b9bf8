"""Who may do what with an attack pattern, and what it becomes: every pair of the table, and every one that is not."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args

import pytest

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.triage.core.patterns import (
    TABLE,
    Change,
    Deed,
    Pattern,
    Refusal,
    State,
    Text,
    decided,
    deeds_of,
    may_read,
    published,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TEXT = Text.of("emulators", "high", '{"value": "emulator", "field": "segments.source", "op": "eq"}')
PAIRS = tuple(product((None, *get_args(State)), get_args(Deed)))


def who(name: str, *roles: Role) -> Session:
    return Session(
        session_id="s", person_id=name, tenants=None, roles=frozenset(roles), signed_in_at=NOW, mfa_at=NOW,
        expires_at=NOW + timedelta(hours=8),
    )  # fmt: skip


def pattern(state: State, revision: int = 1) -> Pattern:
    waits = state in ("proposed", "live_proposed")
    return Pattern("emulators", revision, state, TEXT, "c-1", "acme", "ada", NOW, "rita" if waits else None, NOW)


ALL = who("cleo", Role.RESEARCHER, Role.APPROVER)


@pytest.mark.parametrize(("state", "deed"), PAIRS)
def test_what_is_not_in_the_table_is_refused(state: State | None, deed: Deed) -> None:
    """Whatever roles somebody has."""
    found = decided(pattern(state) if state else None, ALL, deed)
    wanted = TABLE.get((state, deed))
    assert (found.state if isinstance(found, Change) else None) == wanted
    if wanted is None:
        assert isinstance(found, Refusal)
        assert found.why == "not_at_this_stage"


@pytest.mark.parametrize("state", ["proposed", "live_proposed"])
@pytest.mark.parametrize("name", ["ada", "rita"])
def test_who_wrote_it_or_proposed_it_agrees_to_neither_step(state: State, name: str) -> None:
    """Even with both roles; somebody else does."""
    found = decided(pattern(state), who(name, Role.RESEARCHER, Role.APPROVER), "approve")
    assert isinstance(found, Refusal)
    assert found.why == "your_own"
    assert isinstance(decided(pattern(state), ALL, "approve"), Change)


def test_only_what_two_agreed_to_is_published_and_withdrawing_takes_one() -> None:
    """Shadow first, then live; what was never compared is withdrawn without a record."""
    assert decided(pattern("proposed", 0), ALL, "approve") == Change("shadow", "shadow")
    assert decided(pattern("live_proposed"), ALL, "approve") == Change("live", "published")
    for state, deed in PAIRS:
        if state and (state, deed) in TABLE and deed not in ("approve", "withdraw"):
            found = decided(pattern(state), ALL, deed)
            assert isinstance(found, Change)
            assert found.publish is None
    for state in get_args(State):
        if (state, "withdraw") in TABLE:
            compared = state in ("shadow", "live_proposed", "live")
            assert decided(pattern(state), ALL, "withdraw") == Change("withdrawn", "withdrawn" if compared else None)


def test_each_deed_takes_its_role() -> None:
    """A researcher proposes, an approver agrees; either withdraws; an analyst reads."""
    rita, abe, ann = who("r", Role.RESEARCHER), who("b", Role.APPROVER), who("n", Role.ANALYST)
    assert set(deeds_of(pattern("draft"), rita)) == {"draft", "propose", "withdraw"}
    assert set(deeds_of(pattern("proposed"), abe)) == {"approve", "reject", "withdraw"}
    assert deeds_of(pattern("shadow"), ann) == ()
    assert [may_read(each) for each in (rita, abe, ann, who("x", Role.ADMIN))] == [True, True, True, False]


def test_the_event_is_the_next_revision_in_one_spelling() -> None:
    """Keys of the predicate in order, so that one predicate is one text."""
    event = published(pattern("proposed", 4), "shadow", NOW)
    assert (event.revision, event.state) == (5, "shadow")
    assert event.predicate == '{"field":"segments.source","op":"eq","value":"emulator"}'
