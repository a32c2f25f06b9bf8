"""Who may do what, as policy: every role and act, every fact that is missing, and the table of the documents."""

from itertools import combinations, product
from typing import Any

import pytest

from proofwatch.access.roles import TABLE, Act, Role, may
from proofwatch.access.scopes import OPENS, Scope
from proofwatch.exits.rights import InvalidRights, Rights, shipped_rights

RIGHTS = shipped_rights()
PERSON: dict[str, Any] = {"roles": ["analyst"], "all_tenants": False, "tenants": ["acme"]}
DATA: dict[str, Any] = {"every_tenant": False, "tenant": "acme", "own": False}


@pytest.mark.parametrize("act", Act)
def test_the_policy_and_the_table_agree_on_every_role_and_pair_of_roles(act: Act) -> None:
    """Written twice: a slip in one of the two is seen."""
    for roles in ((), *((role,) for role in Role), *combinations(Role, 2)):
        assert (RIGHTS.refusal(act, roles, None, None) is None) is may(roles, act), roles


@pytest.mark.parametrize("act", Act)
def test_the_policy_and_the_table_of_scopes_agree_and_no_scope_is_a_role(act: Act) -> None:
    """Of every set of scopes; who has roles gets nothing by them as a machine, and a machine of its tenants alone."""
    for size in range(len(Scope) + 1):
        for scopes in combinations(Scope, size):
            opened = any(act in OPENS[scope] for scope in scopes)
            assert (RIGHTS.refusal(act, scopes, None, None, machine=True) is None) is opened, scopes
            assert (RIGHTS.refusal(act, scopes, ["acme"], "acme", machine=True) is None) is opened, scopes
            assert RIGHTS.refusal(act, scopes, ["acme"], "birch", machine=True) is not None
            assert RIGHTS.refusal(act, scopes, ["acme"], None, machine=True) is not None
            assert RIGHTS.refusal(act, scopes, None, None) is not None
    assert RIGHTS.refusal(act, list(Role), None, None, machine=True) is not None


@pytest.mark.parametrize(
    ("tenants", "tenant", "own", "why"),
    [
        (["acme"], "acme", False, None),
        (["acme", "birch"], "acme", False, None),
        (["birch"], "acme", False, "tenant_not_theirs"),
        ([], "acme", False, "tenant_not_theirs"),
        ([""], None, False, "tenant_not_theirs"),
        (["acme"], None, False, "tenant_not_theirs"),
        (["acme"], None, True, None),
        (None, None, False, None),
        (None, "acme", False, None),
    ],
)
def test_tenants_decide_beside_roles(tenants: list[str] | None, tenant: str | None, own: bool, why: str | None) -> None:
    """What is about no single one is for who sees every one, unless it is their own."""
    assert RIGHTS.refusal(Act.READ_FIGURES, ["analyst"], tenants, tenant, own=own) == why
    assert RIGHTS.refusal(Act.READ_FIGURES, ["admin"], tenants, tenant, own=own) == "role_missing"


@pytest.mark.parametrize(
    ("whose", "name", "wrong"),
    [
        (whose, name, wrong)
        for whose, given in (("person", PERSON), ("data", DATA))
        for name, wrong in product(given, (None, 1, {"a": 1}, "missing"))
    ],
)
def test_a_fact_that_is_missing_or_of_another_kind_lets_nobody_through(whose: str, name: str, wrong: Any) -> None:
    """Cedar alone would skip the condition that it cannot evaluate."""
    facts = {"person": dict(PERSON), "data": dict(DATA)}
    facts[whose][name] = wrong
    if wrong == "missing":
        del facts[whose][name]

    assert RIGHTS.refusal_on(Act.READ_FIGURES, PERSON, DATA) is None
    assert RIGHTS.refusal_on(Act.READ_FIGURES, facts["person"], facts["data"]) is not None


def test_what_is_no_act_is_nobodys() -> None:
    assert RIGHTS.refusal("read_everything", list(Role), None, None) == "not_decidable"


def test_a_policy_that_does_not_fit_its_schema_is_none() -> None:
    """A slip of a name stops it, not one condition of it."""
    schema = (
        "entity Person = { roles: Set<String> }; entity Data; "
        'action "a" appliesTo { principal: Person, resource: Data };'
    )
    with pytest.raises(InvalidRights, match="does not fit"):
        Rights('permit (principal is Person, action, resource) when { principal.rolls.contains("x") };', schema)
    with pytest.raises(InvalidRights, match="cannot be read"):
        Rights("permit (", schema)


def test_nobody_but_the_auditor_reads_the_log_and_nobody_who_runs_the_platform_reads_figures() -> None:
    """By hand, of those that matter most."""
    assert {role for role in Role if Act.READ_ALL_ENTRIES in TABLE[role]} == {Role.AUDITOR}
    assert TABLE[Role.SRE] == {Act.READ_HEALTH, Act.READ_DEAD_LETTERS, Act.REPAIR_PLATFORM, Act.HANDLE_ALERTS}
