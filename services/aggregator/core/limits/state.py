"""What is kept of a tenant's or segment value's promised limits between two evaluations."""

from typing import Final, Literal

from msgspec import Struct, field

from services.aggregator.core.anomaly_state import Severity
from services.aggregator.core.limits.reading import DAYS
from services.aggregator.core.limits.trials import LimitKey

KEPT_DAYS: Final = 120
"""For so long days are kept; what becomes known of a day 28 days short of that changes nothing any more."""
LATEST_DAYS: Final = KEPT_DAYS - DAYS


class FindingState(Struct, frozen=True, array_like=True):
    """The latest finding of a rule and metric. `first_day`: the last day of the 28 that proved it.

    `through`: once it is resolved, windows up to this day begin nothing any more. `revisions` are those that were told,
    by first day, of this finding and earlier ones. `settles`: on which day its counts are settled, if none comes until
    then; None: they are.
    """

    anomaly_id: str
    revision: int
    state: Literal["firing", "resolved"]
    severity: Severity
    first_day: int
    through: int
    revisions: dict[int, int]
    settles: int | None = None

    @property
    def firing(self) -> bool:
        """Return whether it holds."""
        return self.state == "firing"


class SpeciesEvidence(Struct, array_like=True):
    """The e-detector of one PAI species: `r` for each alternative after all batches, `base` before the first kept one.

    A batch is (day of evaluation, errors, trials).
    """

    base: tuple[float, ...]
    r: tuple[float, ...]
    batches: list[tuple[int, int, int]] = field(default_factory=list)


class CohortState(Struct, array_like=True):
    """Labelled trials of the kept days by member ("apcer:mask"), findings by "rule/metric", e-detectors by species."""

    days: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    findings: dict[str, FindingState] = field(default_factory=dict)
    evidence: dict[str, SpeciesEvidence] = field(default_factory=dict)

    def members(self, metric: str) -> dict[str, dict[int, tuple[int, int]]]:
        """Return the days of a metric by species; without name for a metric that has none."""
        found = {}
        for name, days in self.days.items():
            kind, _, species = name.partition(":")
            if kind == metric:
                found[species] = days
        return found

    def last_day(self, metric: str) -> int | None:
        """Return the last day with trials of a metric."""
        return max((day for days in self.members(metric).values() for day, (_, n) in days.items() if n), default=None)

    def add(self, key: LimitKey, day: int, k: int, n: int) -> None:
        """Count errors and trials of a day; both may be negative, where labels are taken back."""
        days = self.days.setdefault(f"{key.metric}:{key.species}" if key.species else key.metric, {})
        before = days.get(day, (0, 0))
        days[day] = before[0] + k, before[1] + n

    def forget(self, before_day: int) -> None:
        """Drop the days before `before_day`, and what was told of them."""
        for name, days in list(self.days.items()):
            self.days[name] = kept = {day: counts for day, counts in days.items() if day >= before_day}
            if not kept:
                del self.days[name]
