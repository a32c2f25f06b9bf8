"""What claims of a provider give: what the file says for a group, and nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proofwatch.access.claims import NEVER, ClaimMap, Given, InvalidClaimMap, SecondFactor, given, load_claim_map
from proofwatch.access.roles import Role
from proofwatch.access.sign_on import name_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TABLE = ClaimMap(
    roles={"a": (Role.ANALYST,), "c": (Role.CHECKER,), "root": (Role.ADMIN,)},
    tenants={"t1": ("acme",), "t2": ("birch",), "all": "all"},
)
FACTOR = TABLE.model_copy(update={"second_factor": SecondFactor(amr=("otp",), acr=("gold",))})


@pytest.mark.parametrize(
    ("groups", "roles", "tenants"),
    [
        (["a"], {Role.ANALYST}, set()),
        (["a", "t1", "unknown"], {Role.ANALYST}, {"acme"}),
        (["a", "c", "t1", "t2"], {Role.ANALYST, Role.CHECKER}, {"acme", "birch"}),
        (["root", "all", "t1"], {Role.ADMIN}, None),
        ("a", {Role.ANALYST}, set()),
        (["a", 7, None, ["c"]], {Role.ANALYST}, set()),
    ],
)
def test_groups_give_what_the_file_says(groups: Any, roles: set[Role], tenants: set[str] | None) -> None:
    """What is no text is no group."""
    found = given({"groups": groups}, TABLE, NOW)
    assert found == Given(frozenset(roles), None if tenants is None else frozenset(tenants), NEVER)


@pytest.mark.parametrize("groups", [None, [], "A", "analyst", ["t1"], {"a": True}, 7, ["all"]])
def test_nothing_gives_nothing(groups: Any) -> None:
    assert given({"groups": groups}, TABLE, NOW) == "no_roles"
    assert given({}, TABLE, NOW) == "no_roles"


def test_roles_that_are_not_for_one_person_are_given_to_nobody() -> None:
    assert given({"groups": ["a", "root"]}, TABLE, NOW) == "roles_exclude"


def test_a_claim_may_lie_inside_of_another() -> None:
    """As Keycloak has it; a claim whose whole name has dots goes before."""
    inside = TABLE.model_copy(update={"claim": "realm_access.roles"})
    assert isinstance(given({"realm_access": {"roles": ["a"]}}, inside, NOW), Given)
    assert isinstance(given({"realm_access.roles": ["a"], "realm_access": {"roles": []}}, inside, NOW), Given)
    for other in ({"realm_access": ["a"]}, {"realm_access": None}, {"roles": ["a"]}):
        assert given(other, inside, NOW) == "no_roles"


@pytest.mark.parametrize(
    ("claims", "at"),
    [
        ({"amr": ["pwd", "otp"], "auth_time": NOW.timestamp() - 60}, NOW - timedelta(minutes=1)),
        ({"acr": "gold", "auth_time": NOW.timestamp() + 10}, NOW),
        ({"acr": "gold"}, NEVER),
        ({"acr": "gold", "auth_time": NOW.timestamp() + 3_600}, NEVER),
        ({"acr": "gold", "auth_time": "now"}, NEVER),
        ({"amr": ["pwd"], "acr": "silver"}, None),
        ({"amr": "otp"}, None),
        ({"amr": {"otp": 1}}, None),
        ({"acr": ["gold"]}, None),
        ({}, None),
    ],
)
def test_a_second_factor_is_what_the_file_says_and_when_the_provider_says(claims: Any, at: datetime | None) -> None:
    """Without it nobody is let in; without a time, or with one to come, it was shown at no time that counts here."""
    found = given({"groups": ["a"], **claims}, FACTOR, NOW)
    assert (found.mfa_at if isinstance(found, Given) else None) == at
    assert at is not None or found == "second_factor_missing"
    assert isinstance(given({"groups": ["a"], **claims}, FACTOR, NOW, again=True), Given)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: {a: [analyst]}", "tenants"),
        ("roles: {a: [king]}\ntenants: {}", "roles.a.0"),
        ("roles: {a: [admin, analyst]}\ntenants: {}", "never sees imagery"),
        ("roles: {}\ntenants: {a: [A B]}", "tenants.a"),
        ("roles: {}\ntenants: {a: every}", "tenants.a"),
        ("roles: {}\ntenants: {}\nadmins: [x]", "admins"),
        ("roles: {a: [analyst], a: [admin]}\ntenants: {}", "given twice"),
        ("[]", "the whole"),
    ],
)
def test_a_file_with_a_slip_is_none(text: str, said: str, tmp_path: Path) -> None:
    """The message says where."""
    file = tmp_path / "claims.yaml"
    file.write_text(text)
    with pytest.raises(InvalidClaimMap, match=said):
        load_claim_map(file)


def test_a_name_is_made_of_what_names_are_made_of() -> None:
    for text, name in (("Ada Lovelace", "ada-lovelace"), ("__x@Y.z", "x@y.z"), ("", "person"), ("Ω", "person")):
        assert name_of(text) == name
    assert len(name_of("x" * 500)) == 48
