"""Which role may do what, as a table: what is not in it is denied.

Nobody approves what they proposed themselves, whatever roles they have (`may_approve`). Whoever manages people never
sees imagery: `ADMIN` takes that away from every other role of the same person.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person is to the house; one may have several."""

    ANALYST = "analyst"
    CHECKER = "checker"
    RESEARCHER = "researcher"
    AUTHOR = "author"
    APPROVER = "approver"
    PRIVACY = "privacy"
    AUDITOR = "auditor"
    ADMIN = "admin"
    SRE = "sre"


class Act(StrEnum):
    """What somebody may want to do; imagery first."""

    SEE_IMAGERY_OF_ASSIGNED_CASE = "see_imagery_of_assigned_case"
    SEE_IMAGERY_OF_CHECKED_CASE = "see_imagery_of_checked_case"
    SEE_IMAGERY_OF_HIGH_RISK_CASE = "see_imagery_of_high_risk_case"
    APPROVE_BREAK_GLASS = "approve_break_glass"
    READ_CASES = "read_cases"
    TAKE_CASE = "take_case"
    TAKE_HIGH_RISK_CASE = "take_high_risk_case"
    ASSIGN_CASE = "assign_case"
    REFER_CASE = "refer_case"
    CLOSE_CASE = "close_case"
    PROPOSE_DISPOSITION = "propose_disposition"
    APPROVE_DISPOSITION = "approve_disposition"
    PROPOSE_PATTERN = "propose_pattern"
    APPROVE_PATTERN = "approve_pattern"
    PROPOSE_POLICY = "propose_policy"
    APPROVE_POLICY = "approve_policy"
    PROPOSE_BASELINE = "propose_baseline"
    PROPOSE_ROUTES = "propose_routes"
    PROPOSE_ERASURE = "propose_erasure"
    APPROVE_ERASURE = "approve_erasure"
    PROPOSE_HOLD = "propose_hold"
    APPROVE_HOLD = "approve_hold"
    CHANGE_PEOPLE = "change_people"
    CHANGE_ROLES = "change_roles"
    READ_OWN_ENTRIES = "read_own_entries"
    READ_TEAM_ENTRIES = "read_team_entries"
    READ_ALL_ENTRIES = "read_all_entries"
    READ_REPORTS_OF_ACCESS = "read_reports_of_access"
    READ_HEALTH = "read_health"
    READ_FIGURES = "read_figures"
    READ_TRANSACTION = "read_transaction"
    STATE_USAGE = "state_usage"
    DELIVER_STATISTICS = "deliver_statistics"
    EXPORT_TRAINING = "export_training"
    TURN_CONTROLS = "turn_controls"
    SEARCH_SUBJECT = "search_subject"
    READ_PEOPLE = "read_people"
    READ_DEAD_LETTERS = "read_dead_letters"
    REPAIR_PLATFORM = "repair_platform"
    HANDLE_ALERTS = "handle_alerts"


IMAGERY: Final = frozenset(
    {
        Act.SEE_IMAGERY_OF_ASSIGNED_CASE,
        Act.SEE_IMAGERY_OF_CHECKED_CASE,
        Act.SEE_IMAGERY_OF_HIGH_RISK_CASE,
        Act.APPROVE_BREAK_GLASS,
    }
)

TABLE: Final[Mapping[Role, frozenset[Act]]] = MappingProxyType(
    {
        Role.ANALYST: frozenset(
            {
                Act.SEE_IMAGERY_OF_ASSIGNED_CASE,
                Act.READ_CASES,
                Act.TAKE_CASE,
                Act.REFER_CASE,
                Act.CLOSE_CASE,
                Act.PROPOSE_DISPOSITION,
                Act.READ_OWN_ENTRIES,
                Act.READ_FIGURES,
                Act.READ_TRANSACTION,
                Act.HANDLE_ALERTS,
            }
        ),
        Role.CHECKER: frozenset(
            {
                Act.SEE_IMAGERY_OF_CHECKED_CASE,
                Act.APPROVE_BREAK_GLASS,
                Act.READ_CASES,
                Act.ASSIGN_CASE,
                Act.REFER_CASE,
                Act.CLOSE_CASE,
                Act.APPROVE_DISPOSITION,
                Act.READ_TEAM_ENTRIES,
                Act.TURN_CONTROLS,
                Act.READ_FIGURES,
                Act.READ_TRANSACTION,
                Act.HANDLE_ALERTS,
            }
        ),
        Role.RESEARCHER: frozenset(
            {
                Act.SEE_IMAGERY_OF_HIGH_RISK_CASE,
                Act.READ_CASES,
                Act.TAKE_HIGH_RISK_CASE,
                Act.PROPOSE_PATTERN,
                Act.READ_OWN_ENTRIES,
                Act.READ_FIGURES,
                Act.READ_TRANSACTION,
                Act.EXPORT_TRAINING,
            }
        ),
        Role.AUTHOR: frozenset(
            {
                Act.PROPOSE_POLICY,
                Act.PROPOSE_BASELINE,
                Act.PROPOSE_ROUTES,
                Act.READ_FIGURES,
                Act.DELIVER_STATISTICS,
            }
        ),
        Role.APPROVER: frozenset({Act.APPROVE_POLICY, Act.APPROVE_PATTERN, Act.READ_FIGURES}),
        Role.PRIVACY: frozenset(
            {
                Act.PROPOSE_ERASURE,
                Act.APPROVE_ERASURE,
                Act.PROPOSE_HOLD,
                Act.APPROVE_HOLD,
                Act.READ_REPORTS_OF_ACCESS,
                Act.SEARCH_SUBJECT,
            }
        ),
        Role.AUDITOR: frozenset({Act.READ_ALL_ENTRIES, Act.READ_REPORTS_OF_ACCESS, Act.READ_PEOPLE}),
        Role.ADMIN: frozenset({Act.CHANGE_PEOPLE, Act.CHANGE_ROLES, Act.READ_PEOPLE, Act.READ_HEALTH, Act.STATE_USAGE}),
        Role.SRE: frozenset({Act.READ_HEALTH, Act.READ_DEAD_LETTERS, Act.REPAIR_PLATFORM, Act.HANDLE_ALERTS}),
    }
)

APPROVALS: Final = frozenset(
    {
        Act.APPROVE_BREAK_GLASS,
        Act.APPROVE_DISPOSITION,
        Act.APPROVE_PATTERN,
        Act.APPROVE_POLICY,
        Act.APPROVE_ERASURE,
        Act.APPROVE_HOLD,
    }
)
"""Each needs two people: who proposed is never who approves."""


class RolesExclude(ValueError):
    """These roles are not for one person; the message says which and why."""


def may(roles: Iterable[Role], act: Act) -> bool:
    """Return whether somebody with these roles may do this, as far as roles go."""
    held = frozenset(roles)
    if act in IMAGERY and Role.ADMIN in held:
        return False
    return any(act in TABLE.get(role, ()) for role in held)


def may_approve(roles: Iterable[Role], act: Act, person_id: str, proposed_by: str) -> bool:
    """Return whether this person may approve what `proposed_by` proposed: the role is there, and they are two."""
    return act in APPROVALS and bool(person_id) and person_id != proposed_by and may(roles, act)


def checked(roles: Iterable[Role]) -> frozenset[Role]:
    """Return roles that one person may have together. Raises `RolesExclude`."""
    held = frozenset(roles)
    if Role.ADMIN in held and (others := sorted(role for role in held if TABLE[role] & IMAGERY)):
        raise RolesExclude(
            f"who manages people never sees imagery: admin and {', '.join(others)} are not for one person; "
            "give the second to somebody else"
        )
    return held


def known(names: Iterable[str]) -> frozenset[Role]:
    """Return the roles of these names. What this release does not know counts for nothing."""
    there = {role.value: role for role in Role}
    return frozenset(there[name] for name in names if name in there)
