"""Labels that stop coming, or come in far smaller or greater number: every rate that needs truth is blind then.

Labels are counted by when they were logged, whatever they are about: a day is what lies between two closings of
labelled days. It is judged at its end, like everything else here, so what is told is a function of the log.

*Silence.* A tenant sends in a rhythm: each day, on working days, a file a week. The second longest gap between two days
with labels, of the last eight weeks, is what it allows itself: what happened twice is usual. A gap of more than 1.5
times that is of low evidence, of more than three times is high; two days at least, in which 20 labels were expected at
the mean rate. It needs five days with labels, over two weeks. It ends with the next label.

*Volume.* The last seven days against each seven days of the eight weeks before, of which four must be known: fewer than
two fifths of the second smallest and 20 fewer than it (high), or more than three times the second largest and 60 more
(low evidence). What happened twice is usual, so a tenant with files now and then raises none, and what lasts ends. It
ends at seven tenths, or below twice. While labels are silent, and of the week after, no decrease is told.

False findings: none by chance, for it takes what a tenant's habits never did: a holiday that is three times as long as
its longest gap, a first week of holidays with less than two fifths of its labels.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from math import ceil, exp, floor
from typing import Final, NamedTuple

from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.life import Observation, Phase
from services.aggregator.core.limits.findings import Moved, SeriesId, move
from services.aggregator.core.limits.state import CohortState, FindingState
from services.aggregator.core.limits.trials import LABELS

Arrivals = Mapping[int, int]
"""Labels by the day on which they came: the grace of labelled days later than the UTC day of that number."""

_WEEK: Final = 7
_WEEKS: Final = 8
_SILENT: Final[tuple[tuple[Observation, float], ...]] = (("low_evidence", 1.5), ("high", 3.0))
_EXPECTED: Final = 20
_SENDING_DAYS: Final = 5
_SPAN: Final = 14
_KNOWN_WEEKS: Final = 4
_FEW, _FEW_ENDS = 0.4, 0.7
_MANY, _MANY_ENDS = 3.0, 2.0
_SURPLUS: Final = 60


class Rhythm(NamedTuple):
    """The last day with labels, the second longest gap between two such days, and how many come a day."""

    last: int
    longest: int
    per_day: float

    def silent_from(self, factor: float) -> int:
        """Return the first day at whose end the silence is longer than `factor` times the longest gap."""
        return self.last + max(floor(factor * self.longest) + 1, 2, ceil(_EXPECTED / self.per_day))


class Judged(NamedTuple):
    """What a day says: k labels in n days up to it, where `usual` a day come; `statistic` against `threshold`."""

    observation: Observation
    since: int
    k: int
    n: int
    usual: float
    statistic: float
    threshold: float


def rhythm(arrivals: Arrivals, until: int) -> Rhythm | None:
    """Return how labels came up to a day; None: too few of them are known."""
    sent = sorted(day for day, n in arrivals.items() if n > 0 and day <= until)
    sent = [day for day in sent if day > sent[-1] - _WEEKS * _WEEK]
    if len(sent) < _SENDING_DAYS or sent[-1] - sent[0] < _SPAN:
        return None
    gaps = sorted(later - day for day, later in pairwise(sent))
    return Rhythm(sent[-1], gaps[-2], sum(arrivals[day] for day in sent) / (sent[-1] - sent[0] + 1))


def silence(arrivals: Arrivals, at: int) -> Judged | None:
    """Return what the end of a day says of the silence before it; None: no rhythm is known."""
    found = rhythm(arrivals, at)
    if found is None:
        return None
    days, threshold = at - found.last, _SILENT[0][1] * found.longest
    observation: Observation = "within"
    for severity, factor in _SILENT:
        if at >= found.silent_from(factor):
            observation, threshold = severity, factor * found.longest
    k = 0 if days else arrivals[at]
    return Judged(observation, found.last + 1, k, max(1, days), found.per_day, float(days), threshold)


def volume(arrivals: Arrivals, at: int) -> tuple[Judged, Judged] | None:
    """Return what seven days say against those of eight weeks: too few, too many; None: too few weeks are known."""
    first = min((day for day, n in arrivals.items() if n > 0), default=at)
    weeks = [at - _WEEK * week for week in range(1, _WEEKS + 1) if at - _WEEK * (week + 1) + 1 >= first]
    if len(weeks) < _KNOWN_WEEKS:
        return None
    now, *before = (sum(arrivals.get(day, 0) for day in range(end - _WEEK + 1, end + 1)) for end in (at, *weeks))
    low, high = sorted(before)[1], sorted(before)[-2]
    few: Observation = "within" if now >= _FEW_ENDS * low else "weak"
    if 0 < now < _FEW * low and low - now >= _EXPECTED:
        few = "high"
    many: Observation = "within" if now <= _MANY_ENDS * high else "weak"
    if now > _MANY * high and now - high >= _SURPLUS:
        many = "low_evidence"
    since = at - _WEEK + 1
    return (
        Judged(few, since, now, _WEEK, low / _WEEK, float(now), _FEW * low),
        Judged(many, since, now, _WEEK, high / _WEEK, float(now), _MANY * high),
    )


class LabelWatch:
    """Judges how the labels of a tenant come; `cohort`, that of the whole tenant, is changed."""

    def __init__(self, tenant: str, cohort: CohortState, grace_ms: int, days: TenantDays) -> None:
        self._tenant = tenant
        self._cohort = cohort
        self._grace_ms = grace_ms
        self._days = days

    @property
    def _arrivals(self) -> dict[int, int]:
        return {day: n for day, (_, n) in self._cohort.days.get(LABELS, {}).items()}

    def arrived(self, at: int) -> Iterator[Anomaly]:
        """Yield what the end of a day on which labels came says."""
        arrivals = self._arrivals
        yield from self._moved("silence", "down", silence(arrivals, at) or _SPOKE, at)
        if found := volume(arrivals, at):
            few, many = found
            silent = self._cohort.findings.get(f"silence/{LABELS}/down")
            if silent and at - silent.through < _WEEK and few.observation == "high":
                few = few._replace(observation="weak")
            yield from self._moved("volume", "down", few, at)
            yield from self._moved("volume", "up", many, at)

    def silent(self, until: int) -> Iterator[Anomaly]:
        """Yield what the ends of the days up to `until`, on which no label came, say."""
        while (at := silent_on(self._cohort)) is not None and at <= until:
            judged = silence(self._arrivals, at)
            assert judged is not None, "a day is known by the rhythm"
            yield from self._moved("silence", "down", judged, at)

    def _moved(self, rule: str, direction: str, judged: Judged, at: int) -> Iterator[Anomaly]:
        name = f"{rule}/{LABELS}/{direction}"
        known = self._cohort.findings.get(name)
        phase: Phase = known.severity if known and known.firing else "quiet"
        series = SeriesId(rule, LABELS, self._tenant, None, None)
        moved = move(series._replace(rule=f"{rule}/{direction}"), known, phase, judged.observation, at, None)
        if moved:
            self._cohort.findings[name] = moved.state
            yield self._event(series, direction, moved, judged, at)

    def _event(self, series: SeriesId, direction: str, moved: Moved, judged: Judged, at: int) -> Anomaly:
        state, rate, n = moved.state, judged.k / judged.n, judged.n
        ratio = rate / judged.usual if judged.usual else 0.0
        p = exp(-min(700.0, judged.usual * n)) if series.rule == "silence" and state.firing else 0.0
        evidence = Evidence(rate, rate, rate, 0, 0, judged.usual, 0, ratio, p if state.firing else 1.0)
        return build_anomaly(
            series,
            Stated(state.anomaly_id, state.revision, state.state, state.severity),
            Counted(self._begin_ms(at - n + 1), self._begin_ms(at + 1), judged.k, n, evidence),
            cadence="daily",
            action="incident_review",
            resolution=None,
            direction=direction,
            since=instant_of(self._begin_ms(judged.since)) if state.firing else None,
            known_at=instant_of(self._begin_ms(at + 1)),
            statistic=judged.statistic,
            threshold=judged.threshold,
        )

    def _begin_ms(self, day: int) -> int:
        return self._days.numbered(day).start_ms + self._grace_ms


_SPOKE: Final = Judged("within", 0, 0, 1, 0.0, 0.0, 0.0)
"""Labels came, and too few are known for a rhythm: whatever was silent is not any more."""


def silent_on(cohort: CohortState) -> int | None:
    """Return the day at whose end labels will be silent, or more certainly so, if none comes; None: never."""
    found = rhythm({day: n for day, (_, n) in cohort.days.get(LABELS, {}).items()}, _NEVER)
    if found is None:
        return None
    known: FindingState | None = cohort.findings.get(f"silence/{LABELS}/down")
    if known is None or not known.firing:
        return found.silent_from(_SILENT[0][1])
    return found.silent_from(_SILENT[1][1]) if known.severity == "low_evidence" else None


_NEVER: Final = 10**9
