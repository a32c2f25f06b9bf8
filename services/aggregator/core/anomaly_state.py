"""What is known of the latest anomaly of a series, between two windows."""

from typing import Literal

from msgspec import Struct

from services.aggregator.core.series import SeriesKey

Severity = Literal["high", "low_evidence"]


class AnomalyState(Struct, frozen=True, array_like=True):
    """The latest anomaly of a series. `last_start_ms` is the latest window that it was judged by."""

    anomaly_id: str
    revision: int
    state: Literal["firing", "resolved"]
    severity: Severity
    first_start_ms: int
    last_start_ms: int
    quiet: int = 0
    """Windows of the tenant since the last one that the series was judged by."""
    heard_start_ms: int = 0
    """The latest window of another class of day in which the series had trials: they go on, and say no more."""


Anomalies = dict[SeriesKey, AnomalyState]
