"""The promised limits of one tenant: what became known, day of evaluation by day of evaluation, and what follows.

A day of evaluation is one of the tenant: when the least progress of all lanes passes its end plus the grace of labelled
days, it is judged by what was logged up to then about days up to it. So a day's labels count as they stand when it
closes, and again, as they stand then, at each later evaluation by which some of them changed. It is judged once, in
order, after all lanes have come that far: what is told, and when, is a function of the log.

Segment values are tested at a confidence that is corrected for their number (Bonferroni), and only what the whole
tenant does not say itself is told of them.

How often a system that keeps its limits is accused: 0.005 times a year where each of five rates is at half its limit,
0.6 times where each is at nine tenths (200 simulated years; docs/detectors.md).
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from proofwatch.biometrics import rates
from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import Limits
from proofwatch.governance.tenant_days import TenantDays
from services.aggregator.core.anomaly_state import Severity
from services.aggregator.core.life import Phase
from services.aggregator.core.limits import attacks
from services.aggregator.core.limits.begun import begun
from services.aggregator.core.limits.events import Telling, event
from services.aggregator.core.limits.findings import SETTLED_DAYS, Moved, SeriesId, advance, move, settled, silent
from services.aggregator.core.limits.fraud import FraudWatch
from services.aggregator.core.limits.labels import LabelWatch, silent_on
from services.aggregator.core.limits.reading import CONFIDENCE, DAYS, Promise, Reading, read
from services.aggregator.core.limits.state import KEPT_DAYS, LATEST_DAYS, CohortState, FindingState
from services.aggregator.core.limits.trials import APCER, FAR, FNMR, INJECTION, LABELS, METRICS, Counted, LimitKey
from services.aggregator.core.log_end import last_day
from services.aggregator.core.segments import WHOLE, Segment

Known = Mapping[Counted, tuple[int, int]]
"""Errors and trials by what they are of; both may be negative."""
_LIMIT, _SEQUENTIAL = "limit_breach", "sequential_limit"


def promises(limits: Limits, min_trials: int) -> dict[str, Promise]:
    """Return what the policy promises, by metric; a rate without a limit is not judged.

    Nobody promises anything of injection attacks, and no share of them is fine: so many of them as of presentation
    attacks may be accepted (IAPAR), or where that is not promised may pass the liveness check (APCER).
    """
    found = {}
    stated = {metric: getattr(limits, metric, None) for metric in METRICS}
    stated[INJECTION] = rates.Limits.of(limits).injection_accept_rate
    for metric, limit in stated.items():
        if limit is not None and 0 < limit < 1:
            target = limits.fnmr_target if metric == FNMR else None
            found[metric] = Promise(metric, limit, target if target and target < limit else None, min_trials)
    return found


class TenantLimits:
    """Judges one tenant's cohorts; `cohorts` is changed, `changed` says which of them were.

    `heard_ms`: where the log ends; None: it goes on. Want of trials, or of labels, beyond that says nothing.
    """

    def __init__(
        self,
        tenant: str,
        cohorts: dict[Segment, CohortState],
        promised: Mapping[str, Promise],
        grace_ms: int,
        days: TenantDays,
        heard_ms: int | None = None,
    ) -> None:
        self._last = last_day(days, heard_ms, grace_ms)
        self._tenant = tenant
        self._cohorts = cohorts
        self._promised = promised
        self._grace_ms = grace_ms
        self._days = days
        self.changed: set[Segment] = set()

    def judge(self, known: Known, until_day: int) -> Iterator[Anomaly]:
        """Yield what is found by the evaluations up to that of `until_day`."""
        for at in sorted({each.effective for each in known}):
            yield from self._settled(at - 1)
            yield from self._silent(at - 1)
            yield from self._labels_silent(at - 1)
            yield from self._evaluate(at, {each: counts for each, counts in known.items() if each.effective == at})
        yield from self._settled(until_day)
        yield from self._silent(until_day)
        yield from self._labels_silent(until_day)

    def _evaluate(self, at: int, known: Known) -> Iterator[Anomaly]:
        touched: dict[Segment, dict[str, set[int]]] = {}
        attacked: dict[str, tuple[int, int]] = {}
        for each, (k, n) in sorted(known.items()):
            segment = (each.segment_name or None, each.segment_value or None)
            if each.day <= at - LATEST_DAYS:
                continue
            self._cohorts.setdefault(segment, CohortState()).add(LimitKey(each.metric, each.species), each.day, k, n)
            touched.setdefault(segment, {}).setdefault(each.metric, set()).add(each.day)
            if segment == WHOLE and each.metric == APCER:
                before = attacked.get(each.species, (0, 0))
                attacked[each.species] = before[0] + k, before[1] + n
        for segment in sorted(touched, key=lambda each: (each[0] or "", each[1] or "")):
            self._cohorts[segment].forget(at - KEPT_DAYS + 1)
            self.changed.add(segment)
            for metric in METRICS:
                if metric in touched[segment] and metric in self._promised:
                    yield from self._limit(segment, self._promised[metric], touched[segment][metric], at)
            if segment == WHOLE and attacked and APCER in self._promised:
                yield from self._sequential(self._promised[APCER], attacked, at)
            if segment == WHOLE and LABELS in touched[segment]:
                yield from self._label_watch.arrived(at)
            if segment == WHOLE and FAR in touched[segment]:
                yield from FraudWatch(self._tenant, self._cohorts[WHOLE], self._grace_ms, self._days).judge(at)

    @property
    def _label_watch(self) -> LabelWatch:
        return LabelWatch(self._tenant, self._cohorts[WHOLE], self._grace_ms, self._days, self._last)

    def _labels_silent(self, until_day: int) -> Iterator[Anomaly]:
        if WHOLE in self._cohorts:
            for event in self._label_watch.silent(until_day):
                self.changed.add(WHOLE)
                yield event

    def _limit(self, segment: Segment, promise: Promise, days: set[int], at: int) -> Iterator[Anomaly]:
        cohort, series = self._cohorts[segment], self._series(_LIMIT, promise.metric, segment)
        promise = self._for(segment, promise)
        known = cohort.findings.get(_key(_LIMIT, promise.metric))
        if segment == WHOLE:
            other = cohort.findings.get(_key(_SEQUENTIAL, promise.metric))
            told = other.severity if other and other.firing else None
        else:
            told = self._told_of_all(promise.metric)
        moved = advance(series, cohort.members(promise.metric), days, promise, known, told_of_all=told)
        if moved:
            yield self._told(segment, series, moved, promise, at)

    def _told_of_all(self, metric: str) -> Severity | None:
        """Return with which severity either rule tells of the whole tenant; None: neither does."""
        known = self._cohorts.get(WHOLE, CohortState()).findings
        told = [
            each.severity for rule in (_LIMIT, _SEQUENTIAL) if (each := known.get(_key(rule, metric))) and each.firing
        ]
        return max(told, key=lambda each: each == "high", default=None)

    def _sequential(self, promise: Promise, attacked: Mapping[str, tuple[int, int]], at: int) -> Iterator[Anomaly]:
        cohort, series = self._cohorts[WHOLE], self._series(_SEQUENTIAL, APCER, WHOLE)
        attacks.feed(cohort.evidence, at, attacked, promise.limit)
        last = cohort.last_day(APCER)
        newest = None if last is None else read(cohort.members(APCER), last, promise)
        if last is None or newest is None:
            return
        known = cohort.findings.get(_key(_SEQUENTIAL, APCER))
        limit = cohort.findings.get(_key(_LIMIT, APCER))
        phase: Phase = known.severity if known and known.firing else "quiet"
        observation = attacks.observe(cohort.evidence, newest, told=limit is not None and limit.firing)
        worst = attacks.worst(cohort.evidence)
        k, n = 0, 0
        if window := read({"": cohort.members(APCER).get(worst, {})}, last, promise):
            k, n = window.k, window.n
        reading = Reading(newest.observation, k, n, 0.0, promise.limit, max(0.0, k - promise.limit * n), (worst,))
        m = attacks.statistic(cohort.evidence)
        moved = move(series, known, phase, observation, last, reading, counted=True)
        if moved:
            if not moved.state.firing:
                cohort.evidence.clear()
            yield self._told(WHOLE, series, moved, promise, at, m)

    def _settled(self, until_day: int) -> Iterator[Anomaly]:
        """Tell what findings come to of which nothing became known for a week by then; a log's end is no such news."""
        for segment, name, known in self._findings():
            if not known.firing or known.settles is None or known.settles > until_day:
                continue
            cohort, metric = self._cohorts[segment], name.partition("/")[2]
            promise = self._promised.get(metric)
            mine = None if promise is None else self._for(segment, promise)
            moved = mine and settled(known, cohort.members(metric), mine, until_day)
            cohort.findings[name] = replace(known, settles=None)
            self.changed.add(segment)
            if moved and mine:
                yield self._told(
                    segment, self._series(_LIMIT, metric, segment), moved, mine, known.settles, goes_on=False
                )

    def _findings(self) -> list[tuple[Segment, str, FindingState]]:
        """Return all findings by their cohorts, in order."""
        cohorts = sorted(self._cohorts.items(), key=lambda each: (each[0][0] or "", each[0][1] or ""))
        return [(segment, name, known) for segment, each in cohorts for name, known in sorted(each.findings.items())]

    def _silent(self, until_day: int) -> Iterator[Anomaly]:
        """End what has had no trials for 28 days by then."""
        until_day = until_day if self._last is None else min(until_day, self._last)
        for segment, name, known in self._findings():
            cohort, (rule, _, metric) = self._cohorts[segment], name.partition("/")
            if metric not in (*METRICS, FAR):
                continue
            moved = silent(known, cohort.last_day(metric), until_day)
            if moved and metric == FAR:
                self.changed.add(segment)
                yield FraudWatch(self._tenant, cohort, self._grace_ms, self._days).ended(moved)
                continue
            promise = self._promised.get(metric)
            if moved and promise:
                if rule == _SEQUENTIAL:
                    cohort.evidence.clear()
                yield self._told(segment, self._series(rule, metric, segment), moved, promise, moved.end)
            elif moved:  # nothing is promised any more
                cohort.findings[name] = moved.state

    def _told(
        self,
        segment: Segment,
        series: SeriesId,
        moved: Moved,
        promise: Promise,
        at: int,
        statistic: float | None = None,
        *,
        goes_on: bool = True,
    ) -> Anomaly:
        cohort = self._cohorts[segment]
        counted = goes_on and moved.state.firing and series.rule == _LIMIT
        state = replace(moved.state, settles=at + SETTLED_DAYS if counted else None)
        cohort.findings[_key(series.rule, series.metric)] = state
        self.changed.add(segment)
        reading = moved.reading
        first = begun(series.metric, cohort.members(series.metric), moved.end, reading) if reading else None
        alike: Sequence[str] = ()
        if segment == WHOLE and moved.state.firing and reading:
            alike = self._alike(moved.end, reading, promise)
        threshold = None if statistic is None else attacks.ALARM
        known_ms = self._days.numbered(at).end_ms + self._grace_ms
        labelled = self._first_labelled(moved.end)
        return event(
            series, moved, Telling(promise, known_ms, labelled, first, alike, statistic, threshold), self._days
        )

    def _first_labelled(self, end: int) -> int:
        """Return the day of the tenant's first labelled transaction, as far as days are kept, up to `end`."""
        days = (trials for each in self._cohorts.values() for trials in each.days.values())
        return min((day for each in days for day, (_, n) in each.items() if n), default=end)

    def _alike(self, end: int, reading: Reading, promise: Promise) -> list[str]:
        """Return the segment values of which the same 28 days say the same."""
        found = []
        for (name, value), cohort in self._cohorts.items():
            mine = read(cohort.members(promise.metric), end, self._for((name, value), promise)) if name else None
            if mine and mine.broken >= reading.broken and mine.observation in ("high", "low_evidence"):
                found.append(f"{name}={value}")
        return sorted(found)

    def _for(self, segment: Segment, promise: Promise) -> Promise:
        values = 1 if segment == WHOLE else max(1, len(self._cohorts) - 1)
        return promise._replace(confidence=1 - (1 - CONFIDENCE) / values)

    def _series(self, rule: str, metric: str, segment: Segment) -> SeriesId:
        return SeriesId(rule, metric, self._tenant, *segment)


def quiet_from(cohort: CohortState) -> int | None:
    """Return the first day on which a finding ends for want of trials or is settled, or labels are silent."""
    firing = [name.partition("/")[2] for name, known in cohort.findings.items() if known.firing]
    days = [(cohort.last_day(metric) or 0) + DAYS for metric in firing if metric in (*METRICS, FAR)]
    settles = [each.settles for each in cohort.findings.values() if each.firing and each.settles is not None]
    silent = silent_on(cohort)
    return min([*days, *settles, *([] if silent is None else [silent])], default=None)


def breach(cohort: CohortState) -> FindingState | None:
    """Return the finding, of either rule, that APCER is above its limit, if one fires."""
    found = (cohort.findings.get(_key(rule, APCER)) for rule in (_LIMIT, _SEQUENTIAL))
    return next((each for each in found if each and each.firing and each.severity == "high"), None)


def _key(rule: str, metric: str) -> str:
    return f"{rule}/{metric}"
