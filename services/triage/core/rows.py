"""The table along which cases move: for each state and trigger the next state, whether people are told, and why."""

from typing import Final, Literal, NamedTuple

from proofwatch.events.enumerations import EscalationStatus

State = Literal["absent", EscalationStatus]
Trigger = Literal[
    "suspicion_minor",
    "suspicion_major",
    "incident_strong",
    "incident_again",
    "incident_risen",
    "incident_weak",
    "incident_ended",
    "incident_quiet",
    "incident_merged",
    "access",
    "access_ended",
    "cluster",
]
Why = Literal[
    "opened",
    "reason_added",
    "escalated",
    "updated",
    "ended",
    "traffic_ended",
    "merged",
    "reopened",
    "rose_again",
    "repeated",
    "nothing_of_its_own",
]


class Row(NamedTuple):
    """What a trigger does: the next state, whether people are told, and the reason in a word."""

    state: EscalationStatus
    escalate: bool
    why: Why


TABLE: Final[dict[tuple[State, Trigger], Row]] = {
    ("absent", "suspicion_minor"): Row("open", False, "opened"),
    ("absent", "suspicion_major"): Row("escalated", True, "escalated"),
    ("open", "suspicion_minor"): Row("open", False, "reason_added"),
    ("open", "suspicion_major"): Row("escalated", True, "escalated"),
    ("escalated", "suspicion_minor"): Row("escalated", True, "reason_added"),
    ("escalated", "suspicion_major"): Row("escalated", True, "reason_added"),
    # A closed subject case takes no suspicion: the next one opens a case of its own.
    ("absent", "incident_strong"): Row("escalated", True, "escalated"),
    ("absent", "incident_again"): Row("escalated", True, "escalated"),
    ("absent", "incident_ended"): Row("escalated", True, "escalated"),  # over before it was told: it was all the same
    ("absent", "incident_quiet"): Row("escalated", True, "escalated"),
    ("absent", "incident_risen"): Row("escalated", True, "escalated"),
    ("open", "incident_strong"): Row("escalated", True, "escalated"),
    ("open", "incident_again"): Row("escalated", True, "escalated"),
    ("open", "incident_risen"): Row("escalated", True, "rose_again"),
    ("open", "incident_weak"): Row("open", False, "updated"),
    ("open", "incident_ended"): Row("open", False, "ended"),
    ("open", "incident_quiet"): Row("open", False, "traffic_ended"),
    ("open", "incident_merged"): Row("closed", False, "merged"),
    ("escalated", "incident_strong"): Row("escalated", False, "updated"),  # people know; new numbers are no news
    ("escalated", "incident_again"): Row("escalated", False, "updated"),
    ("escalated", "incident_risen"): Row("escalated", False, "rose_again"),  # the incident's own notification says it
    ("escalated", "incident_weak"): Row("escalated", False, "updated"),  # evidence may wane, people decide
    ("escalated", "incident_ended"): Row("escalated", False, "ended"),  # incidents end, people close cases
    ("escalated", "incident_quiet"): Row("escalated", False, "traffic_ended"),
    ("escalated", "incident_merged"): Row("closed", False, "merged"),  # the other's case goes on
    ("closed", "incident_strong"): Row("closed", False, "updated"),
    ("closed", "incident_again"): Row("escalated", True, "reopened"),
    ("closed", "incident_risen"): Row("escalated", True, "reopened"),
    ("closed", "incident_weak"): Row("closed", False, "updated"),
    ("closed", "incident_ended"): Row("closed", False, "updated"),
    ("closed", "incident_quiet"): Row("closed", False, "updated"),
    ("closed", "incident_merged"): Row("closed", False, "updated"),
    # Imagery opened beyond one's own cases, or tried with another's grant: people are told, and people close it.
    ("absent", "access"): Row("escalated", True, "escalated"),
    ("absent", "access_ended"): Row("escalated", True, "escalated"),  # that it began is read later, or never
    ("open", "access"): Row("escalated", True, "escalated"),
    ("open", "access_ended"): Row("open", False, "ended"),
    ("escalated", "access"): Row("escalated", True, "reason_added"),
    ("escalated", "access_ended"): Row("escalated", False, "ended"),
    ("closed", "access"): Row("escalated", True, "reopened"),
    ("closed", "access_ended"): Row("closed", False, "ended"),
    # Cases of one attack, once there are enough: told once. What joins later is a part, and no news (ADR 0058).
    ("absent", "cluster"): Row("escalated", True, "escalated"),
}


class UnlistedTransition(Exception):
    """The table has no row for this state and trigger: a defect, the process must halt."""


def row_of(state: State, trigger: Trigger) -> Row:
    """Return what a trigger does in a state. Raises `UnlistedTransition`."""
    try:
        return TABLE[state, trigger]
    except KeyError:
        msg = f"no transition is listed for state {state} and trigger {trigger}: add the row, or do not offer the case"
        raise UnlistedTransition(msg) from None
