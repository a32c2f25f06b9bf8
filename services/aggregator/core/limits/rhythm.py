"""What days say of how labels come: whether they are silent, too few or too many, by the tenant's own rhythm.

*Silence.* A tenant sends in a rhythm: each day, on working days, a file a week. The second longest gap between two days
with labels, of the last eight weeks, is what it allows itself: what happened twice is usual. A gap of more than 1.5
times that is of low evidence, of more than three times is high; two days at least, in which 20 labels were expected at
the mean rate. Who rests at times, so that its longest gap is no single day, may rest for ten days longer than that
before it is high: from Christmas to New Year, over a golden week. Holidays that the tenant's calendar names count in no
gap. It needs five days with labels, over two weeks. It ends with the next label.

*Volume.* The last seven days against each seven days of the eight weeks before, of which four must be known: fewer than
two fifths of the second smallest and 20 fewer than it, or more than three times the second largest and 60 more (low
evidence). Too few are high where the days that have labels have less than two fifths each as well; else days are
missing, which rests explain, and it is of low evidence. What happened twice is usual, so a tenant with files now and
then raises none, and what lasts ends. It ends at seven tenths, or below twice. While labels are silent, and of the week
after, no decrease is told.

False findings: none by chance, for it takes what a tenant's habits never did. `tests/scenarios/label_years.py`
simulates years of tenants with rhythms and holidays.
"""

from collections.abc import Callable, Mapping
from itertools import islice, pairwise
from math import ceil, floor
from typing import Final, NamedTuple

from services.aggregator.core.life import Observation

Arrivals = Mapping[int, int]
"""Labels by the day on which they came: the grace of labelled days later than the UTC day of that number."""

Rests = Callable[[int], bool]
"""Whether a day is a holiday by the tenant's calendar."""

WEEK: Final = 7
_WEEKS: Final = 8
_SILENT: Final[tuple[tuple[Observation, float], ...]] = (("low_evidence", 1.5), ("high", 3.0))
_REST: Final = 10
_EXPECTED: Final = 20
_SENDING_DAYS: Final = 5
_SPAN: Final = 14
_KNOWN_WEEKS: Final = 4
_FEW, _FEW_ENDS = 0.4, 0.7
_MANY, _MANY_ENDS = 3.0, 2.0
_SURPLUS: Final = 60


def never(_day: int) -> bool:
    """Return that a day is none: what a tenant without a calendar rests on."""
    return False


class Rhythm(NamedTuple):
    """The last day with labels, the second longest gap between two such days, and how many come a day."""

    last: int
    longest: int
    per_day: float

    def allowed(self, severity: Observation) -> float:
        """Return the days without labels beyond which a silence is of this severity."""
        factor = dict(_SILENT)[severity]
        rest = self.longest + _REST if severity == "high" and self.longest > 1 else 0
        return max(factor * self.longest, rest)

    def silent_from(self, severity: Observation, rests: Rests) -> int:
        """Return the first day at whose end the silence is of this severity."""
        needed = max(floor(self.allowed(severity)) + 1, 2, ceil(_EXPECTED / self.per_day))
        day = self.last
        while needed:
            day += 1
            needed -= not rests(day)
        return day


class Judged(NamedTuple):
    """What a day says: k labels in n days up to it, where `usual` a day come; `statistic` against `threshold`."""

    observation: Observation
    since: int
    k: int
    n: int
    usual: float
    statistic: float
    threshold: float


def rhythm(arrivals: Arrivals, until: int, rests: Rests = never) -> Rhythm | None:
    """Return how labels came up to a day; None: too few of them are known."""
    sent = sorted(day for day, n in arrivals.items() if n > 0 and day <= until)
    sent = [day for day in sent if day > sent[-1] - _WEEKS * WEEK]
    if len(sent) < _SENDING_DAYS or sent[-1] - sent[0] < _SPAN:
        return None
    gaps = sorted(1 + _without(earlier + 1, later, rests) for earlier, later in pairwise(sent))
    return Rhythm(sent[-1], gaps[-2], sum(arrivals[day] for day in sent) / (sent[-1] - sent[0] + 1))


def silence(arrivals: Arrivals, at: int, rests: Rests = never) -> Judged | None:
    """Return what the end of a day says of the silence before it; None: no rhythm is known."""
    found = rhythm(arrivals, at, rests)
    if found is None:
        return None
    days = _without(found.last + 1, at + 1, rests)
    observation: Observation = "within"
    threshold = found.allowed("low_evidence")
    for severity, _ in _SILENT:
        if at >= found.silent_from(severity, rests):
            observation, threshold = severity, found.allowed(severity)
    k = arrivals[at] if at == found.last else 0
    return Judged(observation, found.last + 1, k, max(1, at - found.last), found.per_day, float(days), threshold)


def _without(from_day: int, until_day: int, rests: Rests) -> int:
    """Return how many days of [from_day, until_day) are no holidays."""
    return sum(not rests(day) for day in range(from_day, until_day))


def volume(arrivals: Arrivals, at: int, rests: Rests = never) -> tuple[Judged, Judged] | None:
    """Return what seven days say against those of eight weeks: too few, too many; None: too few weeks are known.

    Holidays are left out: a week is seven days that are none.
    """
    first = min((day for day, n in arrivals.items() if n > 0), default=at)
    days = list(islice((day for day in range(at, first - 1, -1) if not rests(day) or day == at), (1 + _WEEKS) * WEEK))
    weeks = [[arrivals.get(day, 0) for day in days[i : i + WEEK]] for i in range(0, len(days) - WEEK + 1, WEEK)]
    if len(weeks) <= _KNOWN_WEEKS:
        return None
    now, *before = (sum(week) for week in weeks)
    each, *each_before = (sum(week) / max(1, sum(n > 0 for n in week)) for week in weeks)
    low, high = sorted(before)[1], sorted(before)[-2]
    few: Observation = "within" if now >= _FEW_ENDS * low else "weak"
    if 0 < now < _FEW * low and low - now >= _EXPECTED:
        few = "high" if each < _FEW * sorted(each_before)[1] else "low_evidence"
    many: Observation = "within" if now <= _MANY_ENDS * high else "weak"
    if now > _MANY * high and now - high >= _SURPLUS:
        many = "low_evidence"
    since = days[WEEK - 1]
    return (
        Judged(few, since, now, WEEK, low / WEEK, float(now), _FEW * low),
        Judged(many, since, now, WEEK, high / WEEK, float(now), _MANY * high),
    )
