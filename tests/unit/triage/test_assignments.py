"""Who may take, give, release and close which case: a table, and properties that hold for every combination."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import IMAGERY, Act, Role, may
from proofwatch.access.session import Session
from services.triage.core.assignments import (
    NOTHING,
    CaseNow,
    Change,
    Deed,
    Refusal,
    Worker,
    decided,
    is_there,
    may_work,
)  # fmt: skip

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def somebody(*roles: Role, person: str = "me", tenants: frozenset[str] | None = None) -> Session:
    return Session("s", person, tenants, frozenset(roles), NOW, NOW, NOW + timedelta(hours=12))


def case(assignee: str | None = None, **given: Any) -> CaseNow:
    fields = {"case_id": "c", "tenant": "acme", "state": "open", "severity": "medium", "queue": "soc"}
    return CaseNow(**(fields | given), assignee=assignee)


ANALYST, CHECKER, RESEARCHER = somebody(Role.ANALYST), somebody(Role.CHECKER), somebody(Role.RESEARCHER)
ADA = Worker("ada", None, frozenset({Role.ANALYST}))
RITA = Worker("rita", None, frozenset({Role.RESEARCHER}))
GONE = Worker("gone", None, frozenset())
OF_ANOTHER = Worker("bob", frozenset({"other"}), frozenset({Role.ANALYST}))

ROWS: list[tuple[Session, Deed, CaseNow, Worker | None, Change | str]] = [
    (ANALYST, "take", case(), None, Change(assign_to="me")),
    (ANALYST, "take", case("me"), None, NOTHING),
    (ANALYST, "take", case("ada"), None, "assigned_to_another"),
    (ANALYST, "take", case(state="closed"), None, "case_closed"),
    (CHECKER, "take", case(), None, "role_missing"),
    (RESEARCHER, "take", case(queue="research"), None, Change(assign_to="me")),
    (CHECKER, "assign", case(), ADA, Change(assign_to="ada")),
    (CHECKER, "assign", case("bob"), ADA, Change(release=True, assign_to="ada")),
    (CHECKER, "assign", case("ada"), ADA, NOTHING),
    (CHECKER, "assign", case(), None, "not_for_them"),
    (CHECKER, "assign", case(), GONE, "not_for_them"),
    (CHECKER, "assign", case(), OF_ANOTHER, "not_for_them"),
    (CHECKER, "assign", case(), RITA, "not_for_them"),
    (CHECKER, "assign", case(about=frozenset({"ada"})), ADA, "not_for_them"),
    (CHECKER, "assign", case(about=frozenset({"me"})), ADA, "about_yourself"),
    (ANALYST, "take", case(about=frozenset({"ada", "me"})), None, "about_yourself"),
    (ANALYST, "take", case(about=frozenset({"ada"})), None, Change(assign_to="me")),
    (ANALYST, "close", case("me", about=frozenset({"me"})), None, "about_yourself"),
    (CHECKER, "assign", case(queue="research"), RITA, Change(assign_to="rita")),
    (ANALYST, "assign", case(), ADA, "role_missing"),
    (ANALYST, "release", case("me"), None, Change(release=True)),
    (ANALYST, "release", case("ada"), None, "not_yours"),
    (ANALYST, "release", case(), None, "not_assigned"),
    (CHECKER, "release", case("ada"), None, Change(release=True)),
    (ANALYST, "take", case(queue="research"), None, "role_missing"),
    (CHECKER, "assign", case(queue="research"), ADA, "not_for_them"),
    (ANALYST, "refer", case("me"), None, Change(release=True, refer=True)),
    (ANALYST, "refer", case("ada"), None, "not_yours"),
    (CHECKER, "refer", case(), None, Change(refer=True)),
    (CHECKER, "refer", case(queue="research"), None, NOTHING),
    (RESEARCHER, "refer", case("me", queue="research"), None, "role_missing"),
    (ANALYST, "close", case("me"), None, Change(release=True, close=True)),
    (ANALYST, "close", case(), None, "not_yours"),
    (ANALYST, "close", case("ada"), None, "not_yours"),
    (CHECKER, "close", case("ada"), None, Change(release=True, close=True)),
    (CHECKER, "close", case(), None, Change(close=True)),
    (RESEARCHER, "close", case("me", queue="research"), None, "role_missing"),
    (CHECKER, "close", case(state="closed"), None, "case_closed"),
]


@pytest.mark.parametrize(("who", "deed", "before", "to", "expected"), ROWS)
def test_what_a_deed_does(who: Session, deed: Deed, before: CaseNow, to: Worker | None, expected: Change | str) -> None:
    """Row by row; a refusal says in a sentence what would be right."""
    found = decided(before, who, deed, to)
    assert (found.why if isinstance(found, Refusal) else found) == expected


sessions = st.builds(
    lambda roles, tenants: somebody(*roles, tenants=tenants),
    st.frozensets(st.sampled_from(Role)),
    st.none() | st.frozensets(st.sampled_from(["acme", "other"])),
)
cases = st.builds(
    lambda assignee, state, queue, tenant: case(assignee, state=state, queue=queue, tenant=tenant),
    st.sampled_from([None, "me", "ada"]),
    st.sampled_from(["open", "escalated", "closed"]),
    st.sampled_from(["soc", "research"]),
    st.sampled_from(["acme", "other"]),
)
workers = st.none() | st.sampled_from([ADA, RITA, GONE, OF_ANOTHER])


@given(sessions, cases)
def test_what_is_not_of_ones_tenants_is_not_there(who: Session, before: CaseNow) -> None:
    """Nor is anything for who has no role that reads cases; research sees what is referred to it alone."""
    there = is_there(before, who)
    assert not there or (who.sees(before.tenant) and may(who.roles, Act.READ_CASES))
    if not who.roles & {Role.ANALYST, Role.CHECKER} and before.queue != "research":
        assert not there


@given(sessions, cases, st.sampled_from(get_args(Deed)), workers)
def test_nobody_works_on_a_case_without_the_role_for_it(
    who: Session, before: CaseNow, deed: Deed, to: Worker | None
) -> None:
    """Whoever a case is given to may work on it, has its tenant, and has a role that sees imagery."""
    found = decided(before, who, deed, to)
    if isinstance(found, Change) and found.assign_to:
        given_to = who if found.assign_to == who.person_id else to
        assert given_to is not None
        assert may_work(before, given_to)
        assert given_to.sees(before.tenant)
        assert any(may(given_to.roles, act) for act in IMAGERY) or Role.ADMIN in given_to.roles
        assert before.state != "closed"
        assert before.assignee in (None, found.assign_to) or found.release, "two never work on one case"


@given(sessions, cases, st.sampled_from(get_args(Deed)), workers)
def test_what_is_closed_is_nobodys(who: Session, before: CaseNow, deed: Deed, to: Worker | None) -> None:
    """Closing releases, and nothing is done with what is closed."""
    found = decided(before, who, deed, to)
    if before.state == "closed":
        assert isinstance(found, Refusal)
    if isinstance(found, Change) and found.close:
        assert found.release is (before.assignee is not None)
        assert before.assignee == who.person_id or Role.CHECKER in who.roles
