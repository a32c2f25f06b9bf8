"""What is watched: the series of a rate, one value for each window."""

from typing import Final, Literal, NamedTuple

from services.aggregator.core.times import DAY_S

FIRST_RULE: Final = "twice_baseline"
"""The rule whose states are stored under the bare metric, since there was no other."""


class SeriesKey(NamedTuple):
    """One metric of one tenant and segment value ((None, None): the whole tenant) at one window length, under one rule.

    Each rule has states of its own: what one of them finds neither ends nor hides what another does.
    """

    tenant: str
    segment_name: str | None
    segment_value: str | None
    metric: str
    length_s: int
    rule: str = FIRST_RULE

    @property
    def column(self) -> str:
        """Return the metric as states are stored under it: bare for the first rule."""
        return self.metric if self.rule == FIRST_RULE else f"{self.rule}/{self.metric}"


class WindowRef(NamedTuple):
    """The window that is judged: [start, end) in milliseconds since the Unix epoch."""

    start_ms: int
    end_ms: int
    revision: int
    backfill: bool


class Cadence(NamedTuple):
    """What a watch reports, and what it causes."""

    name: Literal["real_time", "daily"]
    action: Literal["flag_cohort_for_manual_review", "incident_review"]
    reports_low_evidence: bool


REAL_TIME: Final = Cadence("real_time", "flag_cohort_for_manual_review", reports_low_evidence=False)
DAILY: Final = Cadence("daily", "incident_review", reports_low_evidence=True)


def cadence_of(length_s: int) -> Cadence:
    """Return the watch that windows of a length belong to."""
    return DAILY if length_s >= DAY_S else REAL_TIME


def parse_column(column: str) -> tuple[str, str]:
    """Return rule and metric of states that are stored under `SeriesKey.column`."""
    rule, slash, metric = column.partition("/")
    # a metric that has a slash has a colon before it (apcer:<species>), and no rule has one
    return (rule, metric) if slash and rule.isidentifier() else (FIRST_RULE, column)
