"""Cases for people in plain English: why somebody is to look, and what the numbers of a reason count.

Codes stay in the JSON. Codes that are not known here are written with blanks, for events of a later release may have
them; what is no code at all is text of somebody else's, and is not repeated.
"""

from collections.abc import Mapping
from typing import Final

from proofwatch.detection.words import CODE, ENDED, metric_words
from proofwatch.events.enumerations import EscalationQueue, PlatformAlertKind, SuspicionReason

REASONS: Final[Mapping[SuspicionReason, str]] = {
    "liveness_failures_persist": "liveness fails again and again",
    "match_far_below_threshold": "a face match far below the threshold",
    "liveness_far_below_threshold": "a liveness score far below the threshold",
    "subject_velocity": "one person in too many proofs",
    "device_velocity": "one handset in too many proofs",
    "attack_pattern": "what was presented matches a known attack",
    "alarmed_cohort": "belongs to a cohort in alarm",
}
QUEUES: Final[Mapping[EscalationQueue, str]] = {"soc": "the SOC", "research": "the Research Group"}
ALERTS: Final[Mapping[PlatformAlertKind, tuple[str, str]]] = {
    "health": ("something is wrong inside", "right again inside"),
    "downtime": ("is down", "is up again"),
    "availability": ("cannot be reached at times", "can be reached again"),
    "lag": ("is behind with its records", "has caught up"),
    "dead_letters": ("sets records aside that it cannot process", "sets few records aside again"),
}
"""What is said of a service while an alert fires, and when it is over."""
_NUMBERS: Final = {
    "attempts": "attempts",
    "score": "score",
    "threshold": "threshold",
    "limit": "limit",
    "count": "proofs",
    "window_minutes": "within minutes",
    "k": "errors or failures",
    "n": "of trials",
    "rate": "rate",
    "low": "95 % interval from",
    "high": "to",
    "expected_rate": "expected rate",
    "p_value": "p",
    "chance": "expected by chance a day",
    "rejected": "people rejected beyond what was expected",
    "accepted": "people wrongly accepted",
    "children_count": "further findings",
}
_PATTERN: Final = "attack_pattern"


def reason_words(code: str) -> str:
    """Return why somebody is to look, by the code of a case's reason."""
    if not CODE.fullmatch(code):
        return "a reason without a name"
    head, _, rest = code.partition(".")
    if head == _PATTERN and rest:
        return f"attack pattern {rest} matches"
    for reason, words in REASONS.items():
        if code == reason:
            return words
    if not rest:
        return code.replace("_", " ")
    if head == "rose_again":
        return f"{metric_words(rest)} rose again"
    return f"{metric_words(rest)} ({ENDED[head]})" if head in ENDED else metric_words(rest)


def number_words(name: str) -> str:
    """Return what a number of a reason, or of an alert, counts."""
    return _NUMBERS.get(name, name.replace("_", " "))
