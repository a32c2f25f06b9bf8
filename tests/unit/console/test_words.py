"""What is too much to be read one by one is folded, and what repeats itself is told once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proofwatch.access.roles import Role
from proofwatch.access.session import Session
from services.console.pages import words
from services.console.pages.det_chart import _at, _ticks
from services.console.pages.lists import elsewhere
from services.triage.api.bodies import Case, CaseReason

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def reason(number: int, said: str, score: float) -> CaseReason:
    at, evidence = NOW + timedelta(minutes=number), {"liveness_score": score}
    return CaseReason(
        code="x", words=said, numbers="", severity="high", at=at, transaction_id=f"t-{number}", evidence=evidence
    )


def case(*why: CaseReason) -> Any:
    made: Any = Case.model_construct
    return made(why=list(why), members=[])


def test_many_reasons_are_folded_by_kind_with_their_range_and_few_are_not() -> None:
    """How many, from when to when, the least and the greatest of each number; the most first, and each still there."""
    some = [reason(n, "fails again", n / 100) for n in range(10)] + [reason(n, "a mask", 0.5) for n in range(20, 23)]
    assert words.folded_reasons(case(*some[:12])) == []
    fails, mask = words.folded_reasons(case(*some))
    assert (fails.words, len(fails.each), fails.numbers) == ("fails again", 10, "liveness score 0 to 0.09")
    assert (fails.first, fails.last) == (NOW, NOW + timedelta(minutes=9))
    assert (mask.numbers, [each.transaction_id for each in mask.each]) == (
        "liveness score 0.5",
        ["t-22", "t-21", "t-20"],
    )


def test_what_repeats_itself_in_a_history_is_told_once() -> None:
    """At its last time, with how often."""
    found = [(NOW, "updated"), (NOW, "updated"), (NOW, "ada took it"), (NOW, "updated")]
    assert [text for _, text in words._told_once(found)] == ["updated, 2 times", "ada took it", "updated"]


@pytest.mark.parametrize(
    ("role", "at"),
    [
        (Role.ANALYST, None),
        (Role.APPROVER, "/patterns"),
        (Role.AUTHOR, "/policies"),
        (Role.AUDITOR, "/audit"),
        (Role.PRIVACY, "/audit"),
        (Role.ADMIN, "/health"),
        (Role.SRE, "/health"),
    ],
)
def test_whose_roles_see_no_cases_is_led_to_where_their_work_is(role: Role, at: str | None) -> None:
    """Not to a refusal."""
    who = Session(
        session_id="s", person_id="p", tenants=None, roles=frozenset({role}), signed_in_at=NOW, mfa_at=NOW,
        expires_at=NOW + timedelta(hours=8),
    )  # fmt: skip
    assert elsewhere(who) == at


def test_no_error_at_all_lies_below_the_smallest_that_there_can_be() -> None:
    """On an axis of logarithms nothing is zero: it has a place of its own, which says so."""
    assert _at(0.0, -2) == 0.0 < _at(0.01, -2) < _at(0.1, -2) < _at(1.0, -2)
    assert next((each.at, each.text) for each in _ticks(-1)) == (0.0, "none")
