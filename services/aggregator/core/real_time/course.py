"""How a finding goes on, minute by minute: how far it has come, and whether it is over, and since when.

It is over by a chart the other way round, as charts of rates are (`cusum.back`, Page 1954): each minute weighs how much
likelier it is if things are as usual than if they are half as bad as they were, and the sum, which never falls below
zero, says so at `LIMIT`. It was over from its last zero on: the most likely instant. So some ten scores end what each
score shows, in minutes where the alarm took minutes; and a minute that is bad again takes it back.

What is counted is counted up to that zero: nobody who came after it.

False ends: a finding at half of its level has one in more than e^LIMIT = 10,000 trials, one at its level none.
"""

from math import frexp, log
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.real_time.detector import Reading, Weighed
from services.aggregator.core.times import MINUTE_MS

LIMIT: Final = log(10_000)
_LEAST: Final = 1e-6


class Course(Struct, array_like=True, frozen=True):
    """What is known of a finding since it fired: `alarm` by what it did.

    Counts since it began, up to the last minute, and (`over_…`) up to `over_ms`, since when it may be over; `weight`
    for that.
    """

    alarm: Reading
    k: int = 0
    n: int = 0
    affected: float = 0.0
    weight: float = 0.0
    over_ms: int = 0
    over_k: int = 0
    over_n: int = 0
    over_affected: float = 0.0

    def is_over(self, end_ms: int, rule: RealTimeRule) -> bool:
        """Return whether it is over by the minute that ends at `end_ms`."""
        return self.weight >= LIMIT and end_ms >= self.over_ms + rule.quiet_minutes * MINUTE_MS

    @property
    def so_far(self) -> Reading:
        """Return the alarm with what it counted up to when it may be over: the first minutes of a block are not bad."""
        return self.alarm._replace(k=self.over_k, n=max(1, self.over_n))

    def broken_off(self) -> "Course":
        """Return the course of what ends without being over: all of it counts."""
        return replace(self, over_k=self.k, over_n=self.n, over_affected=self.affected)

    @property
    def doublings(self) -> int:
        """Return the power of two that so many affected have come to."""
        return frexp(self.affected)[1] if self.affected >= 1.0 else 0


def begun(alarm: Reading, end_ms: int) -> Course:
    """Return the course of a finding that fired by the minute that ends at `end_ms`."""
    counts = alarm.k, alarm.n, alarm.affected
    return Course(alarm if alarm.n else alarm._replace(n=1), *counts, 0.0, end_ms, *counts)


def gone_on(course: Course, start_ms: int, weighed: Weighed) -> Course:
    """Return the course after the minute that began at `start_ms`."""
    weight = max(0.0, course.weight + weighed.silence)
    course = replace(course, n=course.n + weighed.silent, affected=course.affected + weighed.lost, weight=weight)
    if course.weight <= 0.0:  # it was as bad up to now
        counts = {"over_k": course.k, "over_n": course.n, "over_affected": course.affected}
        course = replace(course, over_ms=start_ms, **counts)
    return replace(
        course,
        k=course.k + weighed.k,
        n=course.n + weighed.n,
        affected=max(0.0, course.affected + weighed.affected),
        weight=min(LIMIT, max(0.0, course.weight + weighed.weight)),
    )


def bernoulli(k: float, n: float, usual: float, alarmed: float) -> float:
    """Return the log likelihood ratio of k in n at the usual share against that of the alarm."""
    p0, p1 = (min(1 - _LEAST, max(_LEAST, each)) for each in (usual, alarmed))
    return k * log(p0 / p1) + (n - k) * log((1 - p0) / (1 - p1))


def poisson(k: int, usual: float, alarmed: float) -> float:
    """Return the log likelihood ratio of a count where so many are usual, against so many while it alarms."""
    return k * log(usual / alarmed) - (usual - alarmed)
