"""What a case asks of people: a table of tasks, and what leads to each."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple, get_args

from proofwatch.events.enumerations import IncidentAction

Task = Literal[
    "subject_suspicion",
    "manual_kyc_review",
    "fraud_analyst_review",
    "attack_cluster",
    "incident_review",
    "threshold_proposal",
    "system_audit",
    "access_review",
]
Owner = Literal["analyst", "fraud analyst", "KYC reviewer", "risk owner", "system auditor", "privacy officer"]


class Row(NamedTuple):
    """Who does it, what it is called, and what is asked of them."""

    owner: Owner
    words: str
    asks: str


TABLE: Final[Mapping[Task, Row]] = {
    "subject_suspicion": Row("analyst", "suspicion of a person", "say whether it is a threat, and of what kind"),
    "manual_kyc_review": Row("KYC reviewer", "manual KYC review", "compare document and face by hand"),
    "fraud_analyst_review": Row("fraud analyst", "fraud analyst review", "look at what was presented to the camera"),
    "attack_cluster": Row("fraud analyst", "attack cluster", "judge the attack as one, and draft a pattern of it"),
    "incident_review": Row("analyst", "incident review", "find the cause, and say what is done about it"),
    "threshold_proposal": Row("risk owner", "audit and threshold proposal", "backtest other thresholds, propose one"),
    "system_audit": Row("system auditor", "system audit and fraud investigation", "audit what passed unchecked"),
    "access_review": Row("privacy officer", "review of access", "say whether imagery was opened for a good reason"),
}
_OF_ACTION: Final[Mapping[IncidentAction, Task]] = {
    "flag_cohort_for_manual_review": "manual_kyc_review",
    "incident_review": "incident_review",
    "audit_and_threshold_proposal": "threshold_proposal",
    "step_up_mfa": "fraud_analyst_review",
    "system_audit_and_fraud_investigation": "system_audit",
    "hold_or_roll_back_release": "incident_review",
}
_BY_WEIGHT: Final[Sequence[Task]] = ("subject_suspicion", "manual_kyc_review", "fraud_analyst_review")
_OF_KIND: Final[Mapping[str, Task]] = {
    "subject": "subject_suspicion", "cluster": "attack_cluster", "access": "access_review",
}  # fmt: skip
TASKS: Final[tuple[Task, ...]] = get_args(Task)


def of_action(action: IncidentAction) -> Task:
    """Return the task that an incident asks for by its next step."""
    return _OF_ACTION[action]


def of_reason(code: str) -> Task:
    """Return the task that a suspicion asks for by its reason."""
    head = code.partition(".")[0]
    if head.startswith("liveness"):
        return "fraud_analyst_review"
    return "manual_kyc_review" if head.startswith("match") else "subject_suspicion"


def graver(one: Task, other: Task) -> Task:
    """Return which of two a person's case is: a liveness failure may be an attack, and leads."""
    return max(one, other, key=_BY_WEIGHT.index)


def of_kind(kind: str) -> Task:
    """Return the task of a case that was opened before cases had one, by its kind."""
    return _OF_KIND.get(kind, "incident_review")
