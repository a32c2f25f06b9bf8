"""What a detector of minutes is: a series with a direction, what causes it, and one function of one minute.

What it remembers between minutes is a chart, which says the same however the minutes were cut into batches. How a
finding begins, is told and ends is the same for all of them (`real_time.life`).
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec import Struct

from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.life import MinuteObservation
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.view import View

Direction = Literal["up", "down"]


class Chart(Struct, array_like=True, frozen=True):
    """What a detector remembers; each says what it means by them. Times in ms since 1970."""

    statistic: float = 0.0
    k: int = 0
    n: int = 0
    since_ms: int = 0
    level: float = 0.0
    longest: float = 0.0
    seen: int = 0
    bins: dict[int, int] = {}
    fast: float = 0.0
    spread: float = 0.0


class Reading(NamedTuple):
    """What a detector says of a minute: k in n since `since_ms`, where `baseline_k` in `baseline_n` are usual.

    `statistic` passed `threshold` where it is beyond; `affected`: about so many transactions. `at_score`: the score
    below which k of n lie. `habit`: that it may be one of a tenant that is not known for long, and proves nothing.
    `refused`: the share that the check usually refuses, where it lets everybody pass. `low_ms`, `high_ms`: bounds of
    `since_ms`; None: there are none.
    """

    observation: MinuteObservation
    since_ms: int = 0
    k: int = 0
    n: int = 0
    baseline_k: int = 0
    baseline_n: int = 0
    baseline_rate: float = 0.0
    p_value: float = 1.0
    statistic: float = 0.0
    threshold: float = 0.0
    affected: float = 0.0
    at_score: float | None = None
    habit: bool = False
    refused: float | None = None
    low_ms: int | None = None
    high_ms: int | None = None


class Weighed(NamedTuple):
    """What a minute says of a finding that fires: k of n, and about so many transactions `affected`.

    `weight`: the log of how much likelier it is if things are as usual again than if they are half as bad as they were.
    `silent`: minutes without anything right before it, in which so many transactions were `lost`; `silence`: what these
    weigh.
    """

    weight: float = 0.0
    k: int = 0
    n: int = 0
    affected: float = 0.0
    silent: int = 0
    lost: float = 0.0
    silence: float = 0.0


NO_TRIALS = Reading("no_trials")
UNCLEAR = Reading("unclear")

Step = Callable[[Chart, Minute, View, RealTimeRule], tuple[Chart, Reading]]
Weigh = Callable[[Chart, Minute, View, RealTimeRule, Reading], Weighed]
"""Weighs a minute, by the chart before it and what the finding has counted up to then."""


class Absence(NamedTuple):
    """By when the absence of minutes is beyond a limit, and what is said of it then."""

    at_ms: int
    reading: Reading


def _from_nothing(_chart: Chart) -> Chart:
    return Chart()


class Detector(NamedTuple):
    """One series. `rule` is a value of the anomaly's schema.

    `weigh`: whether it is over (`real_time.course`). `causes`: what may be at its bottom; of the series that share one,
    only the first to fire is told. `absent`: by when minutes that do not come are a finding, if none comes after the
    one that ended at the given time. `yields_to`: causes of others that hold it back, and are not held back by it.
    `anew`: the chart from which it goes on when it is over.
    """

    rule: str
    metric: str
    direction: Direction
    causes: frozenset[str]
    step: Step
    weigh: Weigh
    absent: Callable[[Chart, int, View, RealTimeRule], Absence | None] | None = None
    yields_to: frozenset[str] = frozenset()
    anew: Callable[[Chart], Chart] = _from_nothing

    @property
    def name(self) -> str:
        """Return the name of its state."""
        return f"{self.rule}/{self.metric}/{self.direction}"
