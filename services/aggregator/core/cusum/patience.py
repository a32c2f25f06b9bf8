"""For how many windows of its tenant a value may be silent until that is a surprise, and what was found of it ends."""

from math import ceil
from typing import Final

from services.aggregator.core import lengths
from services.aggregator.core.anomaly_state import AnomalyState
from services.aggregator.core.cusum.chart import Chart
from services.aggregator.core.cusum.state import RateState
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.series import SeriesKey

_SURPRISE: Final = 20.0
"""So many trials would have been expected by the traffic since the change point."""
_LONGEST: Final = 288


def patience_of(rates: RateState | None, key: SeriesKey, state: AnomalyState) -> int:
    """Return the number of windows: half an hour of them at least, a day at most."""
    chart = None if rates is None else _newest(rates, key)
    if chart is None or not chart.n:
        return _LONGEST
    windows = (state.last_start_ms - chart.since_ms) // FIVE_MS + 1
    return min(_LONGEST, max(lengths.QUIET_WINDOWS[FIVE_MINUTES_S], ceil(_SURPRISE * windows / chart.n)))


def _newest(state: RateState, key: SeriesKey) -> Chart:
    side = state.down if key.direction == "down" else state.up
    return max(side.baseline, side.reference, side.back, key=lambda each: each.n)
