"""The table of roles: what is in it is allowed, and nothing else, in every combination."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.roles import APPROVALS, IMAGERY, TABLE, Act, Role, RolesExclude, checked, known, may, may_approve

roles = st.frozensets(st.sampled_from(Role))
acts = st.sampled_from(Act)

WHO: dict[Act, set[Role]] = {
    Act.SEE_IMAGERY_OF_ASSIGNED_CASE: {Role.ANALYST},
    Act.SEE_IMAGERY_OF_CHECKED_CASE: {Role.CHECKER},
    Act.SEE_IMAGERY_OF_HIGH_RISK_CASE: {Role.RESEARCHER},
    Act.APPROVE_BREAK_GLASS: {Role.CHECKER},
    Act.READ_CASES: {Role.ANALYST, Role.CHECKER, Role.RESEARCHER},
    Act.TAKE_CASE: {Role.ANALYST},
    Act.TAKE_HIGH_RISK_CASE: {Role.RESEARCHER},
    Act.ASSIGN_CASE: {Role.CHECKER},
    Act.REFER_CASE: {Role.ANALYST, Role.CHECKER},
    Act.CLOSE_CASE: {Role.ANALYST, Role.CHECKER},
    Act.PROPOSE_DISPOSITION: {Role.ANALYST},
    Act.APPROVE_DISPOSITION: {Role.CHECKER},
    Act.PROPOSE_PATTERN: {Role.RESEARCHER},
    Act.APPROVE_PATTERN: {Role.APPROVER},
    Act.PROPOSE_POLICY: {Role.AUTHOR},
    Act.APPROVE_POLICY: {Role.APPROVER},
    Act.PROPOSE_BASELINE: {Role.AUTHOR},
    Act.PROPOSE_ROUTES: {Role.AUTHOR},
    Act.PROPOSE_ERASURE: {Role.PRIVACY},
    Act.APPROVE_ERASURE: {Role.PRIVACY},
    Act.PROPOSE_HOLD: {Role.PRIVACY},
    Act.APPROVE_HOLD: {Role.PRIVACY},
    Act.CHANGE_PEOPLE: {Role.ADMIN},
    Act.CHANGE_ROLES: {Role.ADMIN},
    Act.READ_OWN_ENTRIES: {Role.ANALYST, Role.RESEARCHER},
    Act.READ_TEAM_ENTRIES: {Role.CHECKER},
    Act.READ_ALL_ENTRIES: {Role.AUDITOR},
    Act.READ_REPORTS_OF_ACCESS: {Role.PRIVACY, Role.AUDITOR},
    Act.READ_HEALTH: {Role.ADMIN, Role.SRE},
    Act.READ_FIGURES: {Role.ANALYST, Role.CHECKER, Role.RESEARCHER, Role.AUTHOR, Role.APPROVER},
    Act.READ_TRANSACTION: {Role.ANALYST, Role.CHECKER, Role.RESEARCHER},
    Act.STATE_USAGE: {Role.ADMIN},
    Act.DELIVER_STATISTICS: {Role.AUTHOR},
    Act.EXPORT_TRAINING: {Role.RESEARCHER},
    Act.TURN_CONTROLS: {Role.CHECKER},
    Act.SEARCH_SUBJECT: {Role.PRIVACY},
    Act.READ_PEOPLE: {Role.ADMIN, Role.AUDITOR},
    Act.READ_DEAD_LETTERS: {Role.SRE},
    Act.REPAIR_PLATFORM: {Role.SRE},
    Act.HANDLE_ALERTS: {Role.ANALYST, Role.CHECKER, Role.SRE},
}
"""Written a second time, the other way round: a slip in one of the two is seen."""


@pytest.mark.parametrize("act", Act)
def test_a_single_role_may_what_the_table_says(act: Act) -> None:
    """An act that is in no row of the test is nobody's."""
    assert {role for role in Role if may([role], act)} == WHO.get(act, set())


@given(roles, acts)
def test_roles_add_up_and_an_admin_never_sees_imagery(held: frozenset[Role], act: Act) -> None:
    """Several may what one of them may; who manages people has no imagery, whatever else they are given."""
    barred = act in IMAGERY and Role.ADMIN in held
    assert may(held, act) is (not barred and any(role in WHO[act] for role in held))


@given(roles, acts)
def test_less_roles_never_allow_more_save_imagery_without_admin(held: frozenset[Role], act: Act) -> None:
    """To take a role away opens nothing; the one exception is imagery, which the role of admin bars."""
    for fewer in (held - {role} for role in held - {Role.ADMIN}):
        assert may(held, act) or not may(fewer, act)


def test_no_roles_may_nothing() -> None:
    """Deny is the default; so it is for a role that this release does not know."""
    assert not any(may([], act) for act in Act)
    assert known(["analyst", "superuser", "ANALYST", ""]) == {Role.ANALYST}
    assert not any(may(known(["superuser"]), act) for act in Act)


@given(st.text())
def test_what_is_no_act_is_denied(text: str) -> None:
    """Also to somebody with every role."""
    if text not in set(Act):
        assert not may(Role, text)  # type: ignore[arg-type]


@given(roles, acts, st.sampled_from(["ada", "bob", ""]), st.sampled_from(["ada", "bob", ""]))
def test_nobody_approves_their_own(held: frozenset[Role], act: Act, person: str, proposer: str) -> None:
    """Even with both roles; and what is no approval is not approved."""
    allowed = may_approve(held, act, person, proposer)
    assert not (allowed and (person == proposer or not person or act not in APPROVALS))
    if act in APPROVALS and person and person != proposer:
        assert allowed is may(held, act)


@given(roles)
def test_admin_and_imagery_are_not_for_one_person(held: frozenset[Role]) -> None:
    """Such roles are not given; all others are, as they are."""
    if Role.ADMIN in held and any(TABLE[role] & IMAGERY for role in held):
        with pytest.raises(RolesExclude, match="admin and "):
            checked(held)
    else:
        assert checked(held) == held


def test_whoever_may_be_given_roles_has_no_more_than_they_say() -> None:
    """Of every pair that `checked` lets through, nothing arises that neither has alone."""
    for pair in combinations(Role, 2):
        for act in Act:
            assert may(pair, act) <= any(may([role], act) for role in pair)
