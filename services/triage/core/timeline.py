"""Attempts beside a case: those of its people, of their handsets, and of what a cluster has in common. Pure.

It is a listing: nobody becomes a part by it, and nobody is told.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, NamedTuple

AttemptBy = Literal["person", "device", "pattern", "timing", "cohort"]
SUREST: Final[Sequence[AttemptBy]] = ("person", "device", "pattern", "timing", "cohort")
"""Each attempt is listed once, by the surest."""
_DIGITS: Final = 8


class ListedAttempt(NamedTuple):
    """An attempt as a case lists it. `by`: why it is there; `person`: which, a name that holds within the case alone.

    `failed_before`: of one that was accepted, how many of the same person were not in the day (24 h) before it.
    """

    transaction_id: str
    attempt_id: str
    at: datetime
    by: AttemptBy
    person: str
    decision: str
    action: str
    reasons: Sequence[str]
    match_outcome: str
    liveness_outcome: str
    match_score: float | None
    liveness_score: float | None
    match_threshold: float
    liveness_threshold: float
    failed_before: int


class AttemptPlace(NamedTuple):
    """Where an attempt stands in a listing, the newest first."""

    at: datetime
    transaction_id: str
    attempt_id: str


class Timeline(NamedTuple):
    """Some attempts beside a case, the newest first; `total`: of all; `more`: behind the last of these there are more.

    `of_people`: how many of all are of the case's own people; `accepted`: how many were; `people`: of how many all are.
    """

    attempts: Sequence[ListedAttempt] = ()
    total: int = 0
    of_people: int = 0
    accepted: int = 0
    people: int = 0
    more: bool = False

    @property
    def last(self) -> AttemptPlace:
        """Return the place of the last of these."""
        last = self.attempts[-1]
        return AttemptPlace(last.at, last.transaction_id, last.attempt_id)


NONE: Final = Timeline()


def person_name(case_id: str, tag: str) -> str:
    """Return what a person is called within a case: eight hex digits, which lead to no other case."""
    return hashlib.sha256(f"person of {case_id}/{tag}".encode()).hexdigest()[:_DIGITS]
