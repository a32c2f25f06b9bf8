"""What a detector is: a name, what it watches, and one function of one window, which knows nothing of before and after.

How an anomaly begins, rises, holds and ends, and which windows join the baseline, is the same for all of them
(`core.anomalies`, `core.quiet`).
"""

from collections.abc import Callable
from typing import NamedTuple

from proofwatch.governance.policy import Monitoring
from services.aggregator.core.baselines import BaselineState
from services.aggregator.core.finding import Evidence
from services.aggregator.core.life import Observation
from services.aggregator.core.series import SeriesKey


class Trials(NamedTuple):
    """k failures in n trials of one window of a series, which began at `start_ms` (since 1970); n may be 0.

    `design_effect`: by how much a test divides them, because they come in clusters (`detectors.clusters`).
    """

    series: SeriesKey
    start_ms: int
    k: int
    n: int
    design_effect: float = 1.0


class Reading(NamedTuple):
    """What a detector says of one window."""

    observation: Observation
    evidence: Evidence


class Detector(NamedTuple):
    """One rule; its name is a value of `rule` in the anomaly event's schema.

    `watches`: whether it judges a series at all; what it does not is not counted into a baseline either.
    `read`: judges one window by the baseline of its series and slot; it must not depend on anything else.
    `fewest`: with fewer failures it says nothing that could begin an anomaly, so that it need not be asked.
    """

    rule: str
    watches: Callable[[SeriesKey, Monitoring], bool]
    read: Callable[[Trials, BaselineState, Monitoring], Reading]
    fewest: int = 0
