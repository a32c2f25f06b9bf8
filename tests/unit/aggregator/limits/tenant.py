"""A tenant whose labels become known as a test says, judged at each closing of a day or all at once."""

from collections.abc import Iterable

from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import load_policy
from proofwatch.governance.tenant_days import UTC_DAYS, TenantDays
from services.aggregator.core.limits.judging import TenantLimits, promises
from services.aggregator.core.limits.state import CohortState
from services.aggregator.core.limits.trials import Counted
from services.aggregator.core.segments import Segment
from services.aggregator.core.times import DAY_MS

POLICY = load_policy()
PROMISED = promises(POLICY.limits, POLICY.min_trials)
MONDAY = 20_458  # 2026-01-05
GRACE_MS = DAY_MS
Counts = dict[Counted, tuple[int, int]]


def counted(
    metric: str,
    day: int,
    *,
    late: int = 0,
    species: str = "",
    segment: tuple[str, str] = ("", ""),
) -> Counted:
    """Return what trials of a day are of, where it became known `late` days after that day's own evaluation."""
    return Counted("bank", *segment, metric, species, MONDAY + day, MONDAY + day + late)


class Tenant:
    """What is kept between evaluations, and everything that was told."""

    def __init__(self, days: TenantDays = UTC_DAYS) -> None:
        self.days = days
        self.cohorts: dict[Segment, CohortState] = {}
        self.told: list[Anomaly] = []

    def evaluate(self, counts: Counts, until_day: int | None = None) -> list[Anomaly]:
        """Judge what became known by the evaluation of a day; None: of the last day that something is counted from."""
        until = max(each.effective for each in counts) if until_day is None else MONDAY + until_day
        limits = TenantLimits("bank", self.cohorts, PROMISED, GRACE_MS, self.days)
        found = list(limits.judge(counts, until))
        self.told += found
        return found

    def day_by_day(self, counts: Counts, until_day: int) -> list[Anomaly]:
        """Judge each day's closing by itself."""
        return [
            event
            for at in range(until_day + 1)
            for event in self.evaluate({k: n for k, n in counts.items() if k.effective == MONDAY + at}, at)
        ]


def final(told: Iterable[Anomaly]) -> list[tuple[object, ...]]:
    """Return the last revision of each finding, without when it became known."""
    last = {event.anomaly_id: event for event in told}
    return sorted(
        (e.anomaly_id, e.rule, e.metric, e.segment_value or "", e.state, e.severity, e.revision) for e in last.values()
    )
