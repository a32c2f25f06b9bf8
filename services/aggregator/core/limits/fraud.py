"""A spike of confirmed fraud: accepted transactions of which a label says that they were an impostor or an attack.

A Poisson CUSUM (`biometrics.cusum`) of frauds per accepted transaction, by the day of the transaction, for twice the
usual rate. The usual rate is that of the days 42 to 119 before, of which 28 must have been seen: their labels have
come. Of it one standard deviation more is taken, since it is an estimate. The chart runs over the last 42 days from
zero, at each closing anew, with what is known by then. Of recent days that is less than will be: so its chart is below
the final one, and what is told early is not told more often. An alarm is 8, which takes twelve frauds at least, and
twice the usual rate; it ends once the chart has not been at half of that in the last 42 days.

By the day of the label instead, a weekly file would be a spike each week; by fixed maturity, a spike would be told
weeks after its labels came.

False findings: `python -m tests.unit.aggregator.limits.null_fraud` (docs/detectors.md).
"""

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Final, NamedTuple

from proofwatch.biometrics.cusum import poisson_step
from proofwatch.biometrics.intervals import wilson
from proofwatch.events.types import Anomaly
from proofwatch.governance.tenant_days import TenantDays
from proofwatch.instants import instant_of
from services.aggregator.core.finding import Counted, Evidence, Stated, build_anomaly
from services.aggregator.core.life import Observation, Phase
from services.aggregator.core.limits.findings import Moved, SeriesId, move
from services.aggregator.core.limits.state import KEPT_DAYS, CohortState
from services.aggregator.core.limits.trials import FAR

LIMIT: Final = 8.0
RATIO: Final = 2.0
_CHART_DAYS: Final = 42
_LEAST_DAYS: Final = 28
NAME: Final = f"cusum/{FAR}"

Days = Mapping[int, tuple[int, int]]
"""Frauds, accepted transactions, by the day of the transaction (since 1970)."""


class Spike(NamedTuple):
    """The peak of the chart: k frauds in n accepted transactions of the days since..until; of the usual, likewise."""

    observation: Observation
    statistic: float
    k: int
    n: int
    since: int
    until: int
    usual_k: int
    usual_n: int

    @property
    def usual(self) -> float:
        """Return the usual rate."""
        return self.usual_k / self.usual_n


def read(days: Days, at: int) -> Spike | None:
    """Return what the chart of the days up to `at` says; None: too little is known of what is usual."""
    first = at - _CHART_DAYS + 1
    before = [counts for day, counts in days.items() if at - KEPT_DAYS < day < first and counts[1] > 0]
    k, n = max(0, sum(k for k, _ in before)), sum(n for _, n in before)
    if len(before) < _LEAST_DAYS or not n:
        return None
    rate = (k + 1 + sqrt(k + 1)) / n
    state, run, peak = 0.0, (0, 0, first), Spike("within", 0.0, 0, 0, first, first, k, n)
    for day in range(first, at + 1):
        frauds, accepted = (max(0, each) for each in days.get(day, (0, 0)))
        run = (run[0] + frauds, run[1] + accepted, run[2]) if state > 0 else (frauds, accepted, day)
        state = poisson_step(state, frauds, accepted * rate, ratio=RATIO)
        if state > peak.statistic:
            peak = Spike("within", state, *run, day, k, n)
    twice = peak.k * n >= RATIO * max(k, 1) * peak.n
    if peak.statistic >= LIMIT and twice:
        return peak._replace(observation="high")
    return peak if peak.statistic < LIMIT / 2 else peak._replace(observation="weak")


class FraudWatch:
    """Judges a tenant's confirmed fraud; `cohort`, that of the whole tenant, is changed."""

    def __init__(self, tenant: str, cohort: CohortState, grace_ms: int, days: TenantDays) -> None:
        self._series = SeriesId("cusum", FAR, tenant, None, None)
        self._cohort = cohort
        self._grace_ms = grace_ms
        self._days = days

    def judge(self, at: int) -> Iterator[Anomaly]:
        """Yield what the closing of a day says."""
        spike = read(self._cohort.days.get(FAR, {}), at)
        known = self._cohort.findings.get(NAME)
        phase: Phase = known.severity if known and known.firing else "quiet"
        moved = move(self._series, known, phase, spike.observation, at, None) if spike else None
        if moved:
            self._cohort.findings[NAME] = moved.state
            yield self._event(moved, spike, at)

    def ended(self, moved: Moved) -> Anomaly:
        """Return the end of a finding of whose tenant no transactions come any more."""
        self._cohort.findings[NAME] = moved.state
        return self._event(moved, None, moved.end)

    def _event(self, moved: Moved, spike: Spike | None, at: int) -> Anomaly:
        found = spike or Spike("within", 0.0, 0, 0, at, at, 0, 1)
        state, rate = moved.state, found.k / found.n if found.n else 0.0
        low, high = wilson(found.k, found.n) if 0 < found.n >= found.k else (0.0, 1.0)
        ratio = rate / found.usual if found.usual else 0.0
        p = 0.0 if state.firing else 1.0
        usual = found.usual_k, found.usual_n if spike else 0, found.usual
        return build_anomaly(
            self._series,
            Stated(state.anomaly_id, state.revision, state.state, state.severity),
            Counted(
                self._days.numbered(found.since).start_ms,
                self._days.numbered(found.until).end_ms,
                found.k,
                found.n,
                Evidence(rate, low, high, *usual, 0, ratio, p),
            ),
            cadence="at_once",
            action="system_audit_and_fraud_investigation",
            resolution=None if spike else "no_traffic",
            direction="up",
            since=instant_of(self._days.numbered(found.since).start_ms) if state.firing else None,
            known_at=instant_of(self._days.numbered(at).end_ms + self._grace_ms),
            statistic=found.statistic,
            threshold=LIMIT,
            affected=max(0.0, found.k - found.usual * found.n) if state.firing else None,
        )
