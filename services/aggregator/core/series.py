"""What is watched: the series of a rate, one value for each window."""

from typing import Final, Literal, NamedTuple

from services.aggregator.core.times import DAY_S

FIRST_RULE: Final = "twice_baseline"
"""The rule whose states are stored under the bare metric, since there was no other."""
CUSUM: Final = "cusum"
Direction = Literal["up", "down"]
_FREE: Final = "free"


class SeriesKey(NamedTuple):
    """One metric of one tenant and segment value ((None, None): the whole tenant) at one window length, under one rule.

    Each rule has states of its own: what one of them finds neither ends nor hides what another does. `direction`: of a
    rule that looks both ways. `free`: of days that are compared with free days only (weekend, holiday): a working day
    neither judges nor ends what such a day showed, nor the other way round.
    """

    tenant: str
    segment_name: str | None
    segment_value: str | None
    metric: str
    length_s: int
    rule: str = FIRST_RULE
    direction: Direction | None = None
    free: bool = False

    @property
    def baseline_column(self) -> str:
        """Return the metric as baselines have it, whose rows are of one class of day: bare for the first rule."""
        return self._replace(free=False).column

    @property
    def column(self) -> str:
        """Return the metric as states are stored under it: bare for the first rule, but for free days."""
        if self.free:
            return f"{self.rule}.{_FREE}/{self.metric}"
        if self.rule == FIRST_RULE:
            return self.metric
        return f"{self.rule}/{self.metric}" if self.direction is None else f"{self.rule}.{self.direction}/{self.metric}"


class WindowRef(NamedTuple):
    """The window that is judged: [start, end) in milliseconds since the Unix epoch."""

    start_ms: int
    end_ms: int
    revision: int
    backfill: bool
    broken_off: bool = False
    """The log ends within it (`core.log_end`): what it lacks is not known to be within."""


class Cadence(NamedTuple):
    """What a watch reports, and what it causes."""

    name: Literal["real_time", "daily"]
    action: Literal["flag_cohort_for_manual_review", "incident_review"]


REAL_TIME: Final = Cadence("real_time", "flag_cohort_for_manual_review")
DAILY: Final = Cadence("daily", "incident_review")


def cadence_of(length_s: int) -> Cadence:
    """Return the watch that windows of a length belong to."""
    return DAILY if length_s >= DAY_S else REAL_TIME


def parse_column(column: str) -> tuple[str, str, Direction | None, bool]:
    """Return metric, rule, direction and class of day of states that are stored under `SeriesKey.column`."""
    head, slash, metric = column.partition("/")
    rule, _, side = head.partition(".")
    # a metric that has a slash has a colon before it (apcer:<species>), and no rule has one
    if not slash or not rule.isidentifier():
        return column, FIRST_RULE, None, False
    return metric, rule, "up" if side == "up" else "down" if side == "down" else None, side == _FREE
