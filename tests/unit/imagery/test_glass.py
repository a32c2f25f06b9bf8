"""When what was asked for opens, and who may agree to it: one instant and one role after the other."""

from datetime import UTC, datetime, timedelta

import pytest

from proofwatch.access.roles import Role
from proofwatch.governance.purposes import Purpose
from services.imagery.core.facts import Viewer
from services.imagery.core.glass import WORDS, Glass, GlassTerms

ASKED = datetime(2026, 11, 26, 9, tzinfo=UTC)
AGREED = ASKED + timedelta(minutes=5)
TERMS = GlassTerms()
OPEN = Glass(
    "g", "ben", "kestrel", "c", "t", Purpose.PROVIDE_FEATURES, "why", ASKED, TERMS.until(AGREED), 2, "cleo", AGREED,
    told_at=AGREED,
)  # fmt: skip
WAITING = OPEN._replace(second_person=None, agreed_at=None, told_at=None, expires_at=TERMS.asked_until(ASKED))


def second(person: str = "cleo", *roles: Role, tenants: frozenset[str] | None = frozenset({"kestrel"})) -> Viewer:
    return Viewer(person, "s", frozenset(map(str, roles or (Role.CHECKER,))), tenants, ASKED)


@pytest.mark.parametrize(
    ("glass", "minutes", "fault"),
    [
        (OPEN, 5, None),
        (OPEN, 34.99, None),
        (OPEN, 35, "glass_over"),
        (OPEN, 4.99, "glass_ahead"),
        (OPEN._replace(uses_left=0), 6, "glass_spent"),
        (OPEN._replace(ended_at=AGREED), 6, "glass_stopped"),
        (OPEN._replace(second_stands=False), 6, "glass_stopped"),
        (OPEN._replace(told_at=None), 6, "glass_untold"),
        (OPEN._replace(told_at=None), 35, "glass_over"),
        (WAITING, 1, "glass_not_agreed"),
        (WAITING, 15, "glass_unanswered"),
    ],
)
def test_it_opens_from_when_it_is_agreed_to_until_it_is_over(glass: Glass, minutes: float, fault: str | None) -> None:
    assert glass.fault(ASKED + timedelta(minutes=minutes)) == fault
    assert fault is None or WORDS[fault]


def test_no_setting_makes_it_longer_than_half_an_hour() -> None:
    assert GlassTerms(minutes=500).until(ASKED) == ASKED + timedelta(minutes=30)


@pytest.mark.parametrize("role", Role)
def test_a_checker_agrees_and_no_other_role(role: Role) -> None:
    expected = None if role is Role.CHECKER else "not_for_you"
    assert WAITING.refusal_of(second("cleo", role), AGREED) == expected
    assert WAITING.refusal_of(second("cleo", Role.CHECKER, Role.ADMIN), AGREED) == "not_for_you"


def test_who_agrees_is_somebody_else_of_the_tenant_in_time_and_once() -> None:
    assert WAITING.refusal_of(second("ben"), AGREED) == "own_glass"
    assert WAITING.refusal_of(second(tenants=None), AGREED) is None
    assert WAITING.refusal_of(second(tenants=frozenset({"heron"})), AGREED) == "not_for_you"
    assert WAITING.refusal_of(second(), ASKED + timedelta(minutes=15)) == "glass_unanswered"
    assert OPEN.refusal_of(second("dora"), AGREED) == "agreed_already"


def test_who_has_to_do_with_it_stops_it_and_nobody_else() -> None:
    for who in (second("ben", Role.ANALYST), second(), second("dora"), second("dora", tenants=None)):
        assert OPEN.may_stop(who)
    for who in (second("dora", Role.ANALYST), second("dora", tenants=frozenset({"heron"}))):
        assert not OPEN.may_stop(who)
