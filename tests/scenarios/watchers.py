"""The detection code of the services, fed with simulated counts.

This module, `minutes` and `gathering` are the only ones that know how it is to be called.

`TenantWatch` does what the stages do with closed windows: minutes of the whole tenant, windows of five minutes of the
tenant and its segment values, days. What is found has the time at which the window closed.
"""

import copy
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Final, NamedTuple
from unittest.mock import patch

import numpy as np

from proofwatch.detection.findings import PEOPLE_REFERRED, counted_as
from proofwatch.governance.calendar import WEEKDAYS, Calendar
from proofwatch.governance.policy import Monitoring, load_policy
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from proofwatch.instants import ms_of
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.baselines import Baselines, SlotKey, slot_of
from services.aggregator.core.cusum import step
from services.aggregator.core.cusum.change_point import Posterior
from services.aggregator.core.cusum.kinds import Trials
from services.aggregator.core.cusum.state import HourRow, RateRow, RateState, RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.detectors.clusters import design_effects
from services.aggregator.core.lengths import FIVE_MINUTES_S
from services.aggregator.core.limits.judging import TenantLimits, promises
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.findings import publish
from services.aggregator.core.real_time.life import Changes
from services.aggregator.core.real_time.tenant import MinuteWatch, TenantState
from services.aggregator.core.segments import Segment
from services.aggregator.core.series import WindowRef
from services.aggregator.core.times import DAY_MS, DAY_S, SECOND_MS
from services.aggregator.core.watch import Watch
from tests.scenarios.effects import SLICES, Slice
from tests.scenarios.gathering import Found
from tests.scenarios.minutes import minutes_of
from tests.scenarios.scores import Counts
from tests.scenarios.tenants import Tenant
from tests.scenarios.windows import FIRST, FIVES, METRICS, MONDAY_MS, Day

POLICY: Final = load_policy()
MONITORING: Final = POLICY.monitoring
PROMISED: Final = promises(POLICY.limits, POLICY.min_trials)
GRACE_MS: Final = 30_000
_UNKNOWN: Final = MONITORING.cusum.dispersion_unknown
_FIVE_MS: Final = FIVE_MINUTES_S * SECOND_MS


Sums = dict[str, Counts]
"""Failures and trials of each slice, by metric."""


class Rate(NamedTuple):
    """k failures in n trials; what of a figure the watch looks at."""

    metric: str
    k: int
    n: int


def days_of(tenant: Tenant) -> TenantDays:
    """Return the days of a tenant as its settings name them; UTC's, where they name no zone."""
    if tenant.zone is None:
        return UTC_DAYS
    holidays = tenant.holidays if tenant.named else ()
    return TenantDays([(0, Calendar(tenant.zone, [WEEKDAYS[each] for each in tenant.weekend], holidays))])


def _unchanged(posterior: Posterior, *_: object) -> Posterior:
    return posterior


class TenantWatch:
    """Watches one tenant by all detectors."""

    def __init__(
        self,
        tenant: str = "bank",
        monitoring: Monitoring = MONITORING,
        *,
        minutes: bool = True,
        begins: bool = True,
        days: TenantDays = UTC_DAYS,
        slices: Collection[int] | None = None,
    ) -> None:
        """`begins` False: charts do not work out since when, which is half of their work and changes no alarm.

        `slices`: places in `SLICES` of those that have charts, beside the whole (`screen`); None: all have.
        """
        self.tenant = tenant
        self._slices = range(len(SLICES)) if slices is None else {0, *slices}
        self._days = days
        self._begins = begins
        self._minutes = MinuteWatch(monitoring.real_time) if minutes else None
        self._state = TenantState()
        self._monitoring = monitoring
        self._baselines: Baselines = {}
        self._anomalies: Anomalies = {}
        self._rows: defaultdict[RowKey, RateRow] = defaultdict(RateRow)
        self._hours: defaultdict[RowKey, HourRow] = defaultdict(HourRow)
        self._charts = RateWatch(monitoring, self._rows, self._hours, self._anomalies, lambda _: days)
        evidence = self._charts.evidence
        self._watch = Watch(monitoring, self._baselines, self._anomalies, charts=evidence, days_of=lambda _: days)
        self._sums: Sums = {}

    def branch(self) -> "TenantWatch":
        """Return a watch that knows the same and goes on by itself."""
        minutes = self._minutes is not None
        other = TenantWatch(self.tenant, self._monitoring, minutes=minutes, begins=self._begins, days=self._days)
        other._slices = self._slices
        other._baselines.update({slot: dict(row) for slot, row in self._baselines.items()})
        other._anomalies.update(self._anomalies)
        other._state = copy.deepcopy(self._state)
        other._rows.update(copy.deepcopy(dict(self._rows)))
        other._hours.update(copy.deepcopy(dict(self._hours)))
        other._sums = dict(self._sums)
        return other

    def rates(self, key: RowKey) -> Mapping[str, RateState]:
        """Return the charts of a slice, by metric."""
        return self._rows[key].rates

    def day(self, day: Day) -> list[Found]:
        """Close the windows of a day of UTC, and the tenant's day that ends in it; return what was published."""
        with nullcontext() if self._begins else patch.object(step, "seen", _unchanged):
            return self._closed(day)

    def _closed(self, day: Day) -> list[Found]:
        found, at = list(self.minutes(day)), 0
        while at < FIVES:
            end_ms = self._days.day(day.start_ms + at * _FIVE_MS).end_ms
            part = range(at, min(FIVES, (end_ms - day.start_ms) // _FIVE_MS))
            found += self._of_windows(day, part)
            self._count(day, part)
            at = part.stop
            if day.start_ms + at * _FIVE_MS == end_ms:
                found += self._of_day(end_ms)
        return sorted(found, key=lambda each: each.at_ms)

    def minutes(self, day: Day) -> Iterator[Found]:
        """Close the minutes of a day of UTC; yield what was published."""
        if self._minutes is None:
            return
        for minute in minutes_of(day):
            self._state, changes = self._minutes.closed(self._state, minute, self._days)
            yield from self._published(changes)
        end_ms = day.start_ms + DAY_MS
        while (due := self._minutes.due_ms(self._state, self._days)) is not None and due <= end_ms:
            yield from self._published(self._minutes.absent(self._state, due, self._days))

    def _published(self, changes: Changes) -> Iterator[Found]:
        assert self._minutes is not None, "there are changes of minutes"
        if not changes and not any(each.firing for each in self._state.told.values()):
            return
        standing = self._minutes.standing(self._state, self._days)
        self._state, published = publish(self.tenant, self._state, changes, standing, DETECTORS)
        for each in published:
            yield Found(each.at_ms + GRACE_MS, each.event)

    def _of_windows(self, day: Day, part: range) -> Iterator[Found]:
        sizes = day.n["rejection_rate"].tolist()
        every = {metric: (day.k[metric].tolist(), day.n[metric].tolist()) for metric in (*METRICS, PEOPLE_REFERRED)}
        names = {metric: counted_as(metric, "first_attempts") for metric in FIRST}
        first = {metric: (day.k[name].tolist(), day.n[name].tolist()) for metric, name in names.items()}
        for window in part:
            start_ms = day.start_ms + window * _FIVE_MS
            bucket = BucketKey(self.tenant, FIVE_MINUTES_S, start_ms)
            counts = [
                (
                    RowKey(self.tenant, *where),
                    Trials(
                        *(
                            {metric: (k[place][window], n[place][window]) for metric, (k, n) in trials.items()}
                            for trials in (every, first)
                        )
                    ),
                )
                for place, where in enumerate(SLICES[: len(sizes)])
                if place in self._slices and sizes[place][window]
            ]
            at_ms = bucket.end_ms + GRACE_MS
            for event in [*self._charts.judge_counts(bucket, counts, at_ms), *self._charts.passed(bucket)]:
                yield Found(at_ms, event)

    def _count(self, day: Day, part: range) -> None:
        """Add windows to the tenant's day that is under way."""
        for metric in day.k:
            more = np.stack([each[metric][:, part.start : part.stop].sum(axis=1) for each in (day.k, day.n)], axis=1)
            self._sums[metric] = self._sums[metric] + more if metric in self._sums else more

    def _of_day(self, end_ms: int) -> Iterator[Found]:
        """Close the tenant's day that ends then."""
        own = self._days.day(end_ms - 1)
        sums, self._sums = self._sums, {}
        ref = WindowRef(own.start_ms, own.end_ms, 1, backfill=False)
        slot = slot_of(DAY_S, own.start_ms, self._days)
        for place, where in enumerate(SLICES[: len(sums[METRICS[0]])]):
            rates = [Rate(metric, *(int(each) for each in sums[metric][place])) for metric in METRICS]
            firsts = {metric: _pair(sums[counted_as(metric, "first_attempts")][place]) for metric in FIRST}
            effects = design_effects({each.metric: (each.k, each.n) for each in rates}, firsts, _UNKNOWN)
            if rates[0].n:
                yield from self._judged(where, slot, ref, rates, effects)
        bucket = BucketKey(self.tenant, DAY_S, own.start_ms)
        days = self._charts.days(bucket)
        for event in [*self._watch.judge_days(bucket, days), *self._watch.ends.passed(bucket)]:
            yield Found(ref.end_ms + GRACE_MS, event)

    def _judged(
        self, where: Slice, slot: int, ref: WindowRef, rates: Sequence[Rate], effects: Mapping[str, float]
    ) -> Iterator[Found]:
        key = SlotKey(self.tenant, *where, DAY_S, slot)
        if key not in self._baselines:
            self._baselines[key] = {}
        for event in self._watch.judge_window(key, ref, rates, effects):  # type: ignore[arg-type]
            yield Found(ref.end_ms + GRACE_MS, event)


def _pair(counts: Counts) -> tuple[int, int]:
    k, n = (int(each) for each in counts)
    return k, n


class LabelWatch:
    """Watches one tenant's promised limits, day of evaluation by day of evaluation."""

    def __init__(self) -> None:
        self._cohorts: dict[Segment, CohortState] = {}

    @staticmethod
    def start_ms(day: int) -> int:
        """Return when a day of the run begins."""
        return MONDAY_MS + day * DAY_MS

    def day(self, about: int, at: int, counts: Mapping[tuple[str, str], tuple[int, int]]) -> list[Found]:
        """Evaluate day `at`, by which the labels of the day `about` became known; counts are by metric and species."""
        first = MONDAY_MS // DAY_MS
        known = {
            Counted("bank", "", "", metric, species, first + about, first + at): kn
            for (metric, species), kn in counts.items()
        }
        limits = TenantLimits("bank", self._cohorts, PROMISED, DAY_MS, UTC_DAYS)
        return [Found(ms_of(event.known_at or event.window_end), event) for event in limits.judge(known, first + at)]
