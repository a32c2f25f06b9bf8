"""Cases for people in plain English: why somebody is to look, and what the numbers of a reason count.

Codes stay in the JSON. Codes that are not known here are written with blanks, for events of a later release may have
them; what is no code at all is text of somebody else's, and is not repeated.
"""

from collections.abc import Container, Mapping
from typing import Final

from proofwatch.detection.words import CODE, ENDED, metric_words, number, percent
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
ACCESS: Final[Mapping[str, str]] = {
    "break_glass": "two people opened what is somebody else's case",
    "break_glass_ended": "what two people opened is closed again",
    "replayed_grant": "a grant of imagery was tried by a session that it was not given to",
}
"""Reasons of cases about access to imagery."""
CLUSTERS: Final[Mapping[str, str]] = {
    "cluster_imagery": "the very same picture came of several people",
    "cluster_device": "suspicions of several people come from one handset",
    "cluster_pattern": "one attack pattern matches several people",
    "cluster_timing": "capture and upload of several people took exactly as long",
    "cluster_cohort": "several people are suspected on handsets that are in alarm",
}
"""Reasons of cases that hold the cases of one attack."""
PARTS: Final[Mapping[str, str]] = {
    "imagery": "the very same picture as others here",
    "device": "the same handset as others here",
    "pattern": "the same attack pattern matches as of others here",
    "timing": "capture and upload took exactly as long as of others here, as a script does",
    "cohort": "on a handset of the slice that is in alarm, while it is",
    "person": "a person put it here",
}
"""Why a case is a part of another."""
SIMILAR: Final[Mapping[str, str]] = {
    "person": "of the same person",
    "imagery": "the very same picture",
    "device": "the same handset",
    "pattern": "the same attack pattern matches",
    "timing": "capture and upload took exactly as long",
    "slice": "on the same slice of handsets or people",
}
"""What a case beside another has in common with it."""
ATTEMPTS: Final[Mapping[str, str]] = {
    "person": "of this person",
    "device": "on the same handset",
    "pattern": "the same attack pattern matches",
    "timing": "capture and upload took exactly as long",
    "cohort": "on the slice in alarm, while it is",
}
"""Why an attempt is listed at a case."""
LEFT: Final[Mapping[str, str]] = {
    "person": "a person took it out",
    "surer_evidence": "it belongs to another case by surer evidence",
    "whole_closed": "the case that it was a part of was closed, and this one goes on",
    "whole_retired": "the case that it was a part of is no longer kept",
}
"""Why it is one no more."""
QUEUES: Final[Mapping[EscalationQueue, str]] = {"soc": "the SOC", "research": "the Research Group"}
ALERTS: Final[Mapping[PlatformAlertKind, tuple[str, str]]] = {
    "health": ("something is wrong inside", "right again inside"),
    "downtime": ("is down", "is up again"),
    "availability": ("cannot be reached at times", "can be reached again"),
    "lag": ("is behind with its records", "has caught up"),
    "replayed_grant": ("was given a grant of imagery by a session that it was not granted to", "has no such news"),
    "break_glass": ("had its glass broken: somebody opens a case that is not theirs", "has its glass whole again"),
    "overdue_cases": ("has cases past their due time", "has none past their due time"),
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
    "rejected": "people rejected beyond what was expected",
    "accepted": "people wrongly accepted",
    "children_count": "further findings",
    "minutes": "minutes at most",
    "uses": "grants at most",
    "uses_left": "grants not used",
    "at_least": "people at least",
}
_BESIDE_A_RATE: Final = frozenset({"rejected", "accepted", "children_count"})
_OF_SCORES: Final = frozenset({"score", "limit", "threshold"})
_MOST: Final = 8
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
    if code in ACCESS:
        return ACCESS[code]
    if head in CLUSTERS:
        return f"{CLUSTERS[head]}: {rest}" if rest else CLUSTERS[head]
    if not rest:
        return code.replace("_", " ")
    if head == "rose_again":
        return f"{metric_words(rest)} rose again"
    return f"{metric_words(rest)} ({ENDED[head]})" if head in ENDED else metric_words(rest)


def attempt_words(by: str) -> str:
    """Return why an attempt is listed at a case."""
    return ATTEMPTS.get(by, by.replace("_", " "))


def similar_words(by: str) -> str:
    """Return what two cases have in common."""
    return SIMILAR.get(by, by.replace("_", " "))


def part_words(why: str | None, left_why: str | None = None) -> str:
    """Return why a case is a part of another; `left_why`: why it is one no more; `why` None: that is not shown."""
    if why is None:
        return "why it belongs here is not shown"
    words = PARTS.get(why, "it belongs here")
    return words if left_why is None else f"{words}; no more: {LEFT.get(left_why, 'it was taken out')}"


def numbers_words(values: Mapping[str, float]) -> str:
    """Return the numbers of a reason, or of an alert, in a clause: a rate with its interval first, if they are one."""
    named = {name: value for name, value in values.items() if CODE.fullmatch(name)}
    if "score" in named and named.keys() & {"limit", "threshold"}:
        return ", ".join([*_score_words(named), *_named_words(named, without=_OF_SCORES)])
    said = _rate_words(named)
    if said:
        named = {name: value for name, value in named.items() if name in _BESIDE_A_RATE and value}
    said += _named_words(named)
    return ", ".join(said[:_MOST]) or "no numbers"


def _named_words(values: Mapping[str, float], without: Container[str] = ()) -> list[str]:
    named = {name: value for name, value in values.items() if name not in without}
    if named.keys() >= {"count", "limit"}:
        count, limit = (number(named.pop(each), 4) for each in ("count", "limit"))
        within = f" within {number(named.pop('window_minutes'), 4)} minutes" if "window_minutes" in named else ""
        return [f"{count} proofs{within}, where {limit} is the limit", *_named_words(named)]
    return [f"{_NUMBERS.get(name, name.replace('_', ' '))} {number(value, 4)}" for name, value in sorted(named.items())]


def _score_words(values: Mapping[str, float]) -> list[str]:
    """Return a score with the side of its limit on which it is: higher is better, and a check passes from there on."""
    score, threshold = values["score"], values.get("threshold")
    of, limit = ("limit", values["limit"]) if "limit" in values else ("threshold", threshold)
    side = "below" if limit is not None and score < limit else "not below"
    said = [f"score {number(score, 4)}, {side} its {of} of {number(limit or 0.0, 4)}"]
    if of == "limit" and threshold is not None:
        said.append(f"it passes from {number(threshold, 4)} on")
    return said


def _rate_words(values: Mapping[str, float]) -> list[str]:
    beside = next((name for name in ("expected_rate", "limit") if name in values), None)
    if beside is None or not values.keys() >= {"k", "n", "rate"}:
        return []
    k, n, rate, other = (values[each] for each in ("k", "n", "rate", beside))
    of = "expected" if beside == "expected_rate" else "where the limit is"
    said = [f"{k:,.0f} of {n:,.0f} = {percent(rate)}, {of} {percent(other)}"]
    if values.keys() >= {"risen_from_rate", "risen_to_rate"}:
        said.append(f"rose from {percent(values['risen_from_rate'])} to {percent(values['risen_to_rate'])}")
    return said
