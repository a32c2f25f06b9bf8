"""What a provider's claims give a person, by a table of the house's: an unknown group gives nothing. Pure.

Roles and tenants are mapped each by itself: whoever is in two groups has the roles of both for the tenants of both.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from proofwatch.access.roles import Role, RolesExclude, checked
from proofwatch.governance.scope import TENANT
from proofwatch.strict_yaml import InvalidYaml, load_yaml

NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a second factor was shown, of whom nobody says that one was."""
_Group = Annotated[str, StringConstraints(min_length=1, max_length=256)]
_Tenant = Annotated[str, StringConstraints(pattern=f"^(?:{TENANT})$")]
_MOST_GROUPS: Final = 2_000
_SKEW_S: Final = 30
WhyNot = Literal["no_roles", "roles_exclude", "second_factor_missing"]
WhyNotFresh = Literal[
    "second_factor_untold", "second_factor_missing", "auth_time_missing", "auth_time_old", "auth_time_ahead"
]


class InvalidClaimMap(ValueError):
    """The file cannot be used; the message says where and what would be right."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SecondFactor(_Strict):
    """Values of `amr`, any of which, and of `acr`, one of which says that a second factor was shown; none: it is not
    told, so nobody has shown one.
    """

    amr: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()


class ClaimMap(_Strict):
    """The file: the claim that has groups (`groups`, or a path such as `realm_access.roles`), and what each gives."""

    claim: Annotated[str, Field(min_length=1, max_length=256)] = "groups"
    roles: dict[_Group, tuple[Role, ...]]
    tenants: dict[_Group, tuple[_Tenant, ...] | Literal["all"]]
    second_factor: SecondFactor = SecondFactor()

    @model_validator(mode="after")
    def _each_is_for_one_person(self) -> Self:
        for roles in self.roles.values():
            checked(roles)
        return self


class Given(NamedTuple):
    """What somebody has by their claims. `tenants` None: all. `mfa_at`: when they showed a second factor."""

    roles: frozenset[Role]
    tenants: frozenset[str] | None
    mfa_at: datetime


def given(claims: Mapping[str, Any], table: ClaimMap, now: datetime, *, again: bool = False) -> Given | WhyNot:
    """Return what claims give, or why nothing. `again`: of a session that goes on, whose second factor was judged."""
    groups = _groups(claims, table.claim)
    try:
        roles = checked(role for group in groups for role in table.roles.get(group, ()))
    except RolesExclude:
        return "roles_exclude"
    if not roles:
        return "no_roles"
    whose = [table.tenants[group] for group in groups if group in table.tenants]
    tenants = None if "all" in whose else frozenset(each for some in whose for each in some)
    wanted = table.second_factor
    if again or not (wanted.amr or wanted.acr):
        return Given(roles, tenants, NEVER)
    if not _has_shown(claims, wanted):
        return "second_factor_missing"
    at = claims.get("auth_time")
    known = isinstance(at, int | float) and 0 <= at <= now.timestamp() + 30
    return Given(roles, tenants, min(now, datetime.fromtimestamp(at, UTC)) if known and at is not None else NEVER)


def shown_at(proven: Mapping[str, Any], table: ClaimMap, begun_at: datetime, now: datetime) -> datetime | WhyNotFresh:
    """Return when somebody signed in afresh, with a second factor, since `begun_at`; or why nobody can say so.

    `proven`: the claims of the ID token alone, which are signed and of this very sign-in.
    """
    wanted, at = table.second_factor, proven.get("auth_time")
    if not (wanted.amr or wanted.acr):
        return "second_factor_untold"
    if not _has_shown(proven, wanted):
        return "second_factor_missing"
    if not isinstance(at, int | float) or isinstance(at, bool) or at != at:
        return "auth_time_missing"
    if at > now.timestamp() + _SKEW_S:
        return "auth_time_ahead"
    if at < begun_at.timestamp() - _SKEW_S:
        return "auth_time_old"
    return min(now, datetime.fromtimestamp(at, UTC))


def load_claim_map(path: Path) -> ClaimMap:
    """Read the file. Raises `InvalidClaimMap`."""
    try:
        return ClaimMap.model_validate(load_yaml(path))
    except InvalidYaml as error:
        raise InvalidClaimMap(str(error)) from None
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        message = finding["msg"].removeprefix("Value error, ")
        place = ".".join(map(str, finding["loc"])) or "the whole"
        raise InvalidClaimMap(f"{path}: {place}: {message[0].lower()}{message[1:]}") from None


def _groups(claims: Mapping[str, Any], claim: str) -> tuple[str, ...]:
    found: Any = claims.get(claim)
    if found is None and "." in claim:
        found = claims
        for part in claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return (found,)
    return tuple(each for each in found[:_MOST_GROUPS] if isinstance(each, str)) if isinstance(found, list) else ()


def _has_shown(claims: Mapping[str, Any], wanted: SecondFactor) -> bool:
    ways, level = claims.get("amr"), claims.get("acr")
    by_way = isinstance(ways, list) and any(each in wanted.amr for each in ways if isinstance(each, str))
    return by_way or (isinstance(level, str) and level in wanted.acr)
