"""What fires is not closed without a finding, and what is grave not by one alone: a table, and what holds for all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import Role
from services.triage.core.assignments import Change, Refusal, decided
from services.triage.core.firing import Agreed, Firing
from services.triage.core.life import STAGES, UNDECIDED
from tests.unit.triage.test_assignments import case, somebody

SINCE = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
ADA, CARL = somebody(Role.ANALYST), somebody(Role.CHECKER, person="carl")
ITSELF, PART = Firing(SINCE), Firing(None, SINCE)
BY_ME, BY_CARL = Agreed("threat", frozenset({"me"})), Agreed("threat", frozenset({"carl"}))
BY_TWO, CLEARED = Agreed("threat", frozenset({"me", "bob"})), Agreed("cleared", frozenset({"me"}))


@pytest.mark.parametrize(
    ("who", "given", "refused"),
    [
        (ADA, {"firing": ITSELF}, "still_fires"),
        (CARL, {"firing": ITSELF}, "still_fires"),
        (ADA, {"firing": ITSELF, "stage": "escalated", "agreed": BY_ME}, None),
        (ADA, {"firing": ITSELF, "stage": "cleared", "agreed": CLEARED}, None),
        (ADA, {"firing": ITSELF, "stage": "cleared", "agreed": CLEARED, "severity": "high"}, "second_person"),
        (ADA, {"firing": ITSELF, "stage": "escalated", "agreed": BY_ME, "severity": "high"}, "second_person"),
        (ADA, {"firing": ITSELF, "stage": "escalated", "agreed": BY_CARL, "severity": "high"}, "second_person"),
        (CARL, {"firing": ITSELF, "stage": "escalated", "agreed": BY_CARL, "severity": "high"}, "second_person"),
        (CARL, {"firing": ITSELF, "stage": "escalated", "agreed": BY_ME, "severity": "high"}, None),
        (ADA, {"firing": ITSELF, "stage": "escalated", "agreed": BY_TWO, "severity": "high"}, None),
        (CARL, {"firing": ITSELF, "stage": "research"}, "still_fires"),
        (CARL, {"firing": ITSELF, "stage": "research", "agreed": CLEARED}, "still_fires"),
        (CARL, {"firing": ITSELF, "stage": "new", "agreed": BY_TWO}, "still_fires"),
        (CARL, {"firing": PART, "parts": 1}, "still_fires"),
        (CARL, {"firing": PART, "parts": 1, "stage": "escalated", "agreed": BY_TWO}, "still_fires"),
        (ADA, {"severity": "high"}, None),
        (ADA, {"severity": "high", "parts": 1}, None),
    ],
)
def test_who_closes_what_still_fires(who: Any, given: dict[str, Any], refused: str | None) -> None:
    """Nobody without a finding, nobody while a part does; of what is grave a second person. What ended: as ever."""
    found = decided(case("me", **given), who, "close")
    assert (found.why if isinstance(found, Refusal) else None) == refused


def test_a_refusal_says_since_when_and_what_to_do() -> None:
    """Of each way that it can be wrong."""
    said = [
        decided(case("me", **each), ADA, "close")
        for each in (
            {"firing": ITSELF},
            {"firing": ITSELF, "stage": "cleared", "agreed": CLEARED, "severity": "high"},
            {"firing": PART, "parts": 2},
        )
    ]
    for each, what in zip(
        said, (("clear", "threat", "snooze"), ("a checker who did not",), ("take it out",)), strict=True
    ):
        assert isinstance(each, Refusal)
        assert "since 2026-03-02 08:30 UTC" in each.sentence
        assert all(word in each.sentence for word in what)


@given(
    stage=st.sampled_from([each for each in STAGES if each != "closed"]),
    role=st.sampled_from([Role.ANALYST, Role.CHECKER]),
    agreed=st.sampled_from([None, BY_ME, BY_CARL, BY_TWO, CLEARED]),
    severity=st.sampled_from(["low", "medium", "high"]),
    firing=st.sampled_from([ITSELF, PART, Firing(SINCE, SINCE + timedelta(hours=1))]),
)
def test_whatever_fires_is_closed_on_a_finding_alone(
    stage: Any, role: Role, agreed: Agreed | None, severity: str, firing: Firing
) -> None:
    """And of what is grave never by who alone found it."""
    who = somebody(role)
    found = decided(case("me", stage=stage, agreed=agreed, severity=severity, firing=firing), who, "close")
    if not isinstance(found, Change):
        return
    assert firing.part is None
    assert agreed is not None
    assert stage not in UNDECIDED
    assert severity != "high" or len(agreed.by | {who.person_id}) > 1
