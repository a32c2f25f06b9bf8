"""Five-minute windows of simulated rates, through the watch that judges them in production."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np

from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import CusumRule, Monitoring, load_policy
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.anomaly_state import Anomalies
from services.aggregator.core.closing import WindowRevision
from services.aggregator.core.cusum.late import NOTHING_LATE, LateCounts
from services.aggregator.core.cusum.rebase import Rebase
from services.aggregator.core.cusum.rows import row_of
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.governed_markers import GovernedMarker
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.merge import BucketKey, PolicyCounts, SegmentWindow, totals
from services.aggregator.handlers.late_counts import LateInStep

METRIC: Final = "match_fail_rate"
POLICY: Final = load_policy().monitoring
Segment = tuple[str | None, str | None]
Rates = Mapping[Segment, tuple[int, float]]
"""Trials in a window, and the true rate."""


def monitoring(expected: float = 0.01, **rule: float) -> Monitoring:
    """Return the default policy's, with one rate and other limits."""
    return POLICY.model_copy(update={"expected": {METRIC: expected}, "cusum": CusumRule.model_validate(rule)})


@dataclass
class Bank:
    """A tenant's states, and the windows that it is given."""

    monitoring: Monitoring = field(default_factory=monitoring)
    rows: dict[RowKey, RateRow] = field(default_factory=dict)
    histories: dict[RowKey, HourRow] = field(default_factory=dict)
    anomalies: Anomalies = field(default_factory=dict)
    rebases: list[Rebase] = field(default_factory=list)
    days: TenantDays = UTC_DAYS
    governed: list[GovernedMarker] = field(default_factory=list)
    late: dict[str, LateCounts] = field(default_factory=dict)

    def close(
        self,
        start_ms: int,
        counts: Mapping[Segment, tuple[int, int]],
        *,
        small: bool = False,
        again: Mapping[Segment, tuple[int, int]] | None = None,
    ) -> list[Anomaly]:
        """Close one window with these failures and trials, of which `again` are further attempts (None: not known)."""
        return self.step(self.windows(start_ms, counts, small=small, again=again), start_ms + FIVE_MS)

    def add(
        self,
        start_ms: int,
        counts: Mapping[Segment, tuple[int, int]],
        past_ms: int,
        *,
        again: Mapping[Segment, tuple[int, int]] | None = None,
    ) -> list[Anomaly]:
        """Add failures and trials to a window that has closed, when what ended by `past_ms` has."""
        windows = self.windows(start_ms, counts, again=again)
        restated = [each._replace(due_ms=None, added=totals(each.window).counts) for each in windows]
        return self.step(restated, past_ms)

    def step(self, revised: Sequence[WindowRevision], past_ms: int) -> list[Anomaly]:
        """Judge what was revised when what ended by `past_ms` has closed, as the handler does."""
        late = LateInStep(self.late, past_ms, 30_000)
        late.plan(revised, self.rebases, {"bank": self.governed})
        closing = {each.key: [one for one in revised if one.key == each.key] for each in revised if each.due_ms}
        watch = self._watch([*chain(*closing.values()), *chain(*late.windows.values())])
        told: list[Anomaly] = []
        for bucket, windows in [*closing.items(), *((each, []) for each in late.alone)]:
            counters = late.counters.get(bucket, NOTHING_LATE)
            told += watch.judge(bucket, late.of(bucket, windows), bucket.end_ms + 30_000, counters)
            told += watch.passed(bucket)
        late.missed(watch.missed)
        return told

    def _watch(self, windows: Sequence[WindowRevision]) -> RateWatch:
        for each in windows:
            self.rows.setdefault(row_of(each), RateRow())
            self.histories.setdefault(row_of(each), HourRow())
        return RateWatch(
            self.monitoring,
            self.rows,
            self.histories,
            self.anomalies,
            lambda _: self.days,
            self.rebases,
            {"bank": self.governed},
        )

    def windows(
        self,
        start_ms: int,
        counts: Mapping[Segment, tuple[int, int]],
        *,
        small: bool = False,
        again: Mapping[Segment, tuple[int, int]] | None = None,
    ) -> list[WindowRevision]:
        """Return the windows that `close` closes."""
        bucket, further = BucketKey("bank", FIVE_MINUTES_S, start_ms), again or {}
        return [
            self._window(bucket, at, k, n, small=small, again=None if again is None else further.get(at, (0, 0)))
            for at, (k, n) in counts.items()
        ]

    def run(self, windows: Iterator[tuple[int, Mapping[Segment, tuple[int, int]]]]) -> list[Anomaly]:
        """Close windows one after another."""
        return [event for start_ms, counts in windows for event in self.close(start_ms, counts)]

    @staticmethod
    def _window(
        bucket: BucketKey, segment: Segment, k: int, n: int, *, small: bool, again: tuple[int, int] | None = None
    ) -> WindowRevision:
        counts = {"transactions": n, "match.fail": k, "match.pass": n - k}
        if again is not None:
            further = {"transactions": again[1], "match.fail": again[0], "match.pass": again[1] - again[0]}
            counts |= {"first_attempts": n - again[1], **{f"again.{name}": m for name, m in further.items()}}
        window = SegmentWindow(*segment, 0 if small else 1, {"p": PolicyCounts(counts, {}, {})})
        return WindowRevision(bucket, window, False, small, bucket.end_ms + 30_000)


def traffic(
    seed: int, windows: int, rates: Callable[[int], Rates] | Rates, first: int = 0
) -> Iterator[tuple[int, dict[Segment, tuple[int, int]]]]:
    """Yield starts and counts: Poisson trials, binomial failures; the whole tenant is (None, None), given by itself."""
    chance = np.random.default_rng(seed)
    for number in range(first, first + windows):
        told = rates(number) if callable(rates) else rates
        counts = {}
        for segment, (trials, rate) in told.items():
            n = int(chance.poisson(trials))
            counts[segment] = (int(chance.binomial(n, rate)), n)
        yield number * FIVE_MS, counts


def summed(told: Rates, parts: Sequence[Segment]) -> Rates:
    """Return the rates with a whole tenant of the same mean as its parts."""
    n = sum(told[each][0] for each in parts)
    return {(None, None): (n, sum(told[each][0] * told[each][1] for each in parts) / n), **told}
