"""Whether the rate that a chart alarms for came back, and since when: a chart the other way round.

The alarm's chart stands at its cap, far above zero, and would come down by what is usual for hours. So a chart from the
alternative that the alarm looks for (twice the odds) back to the usual rate watches meanwhile. The alarm is over once
it is at half of the high limit, and was so from the first window after its last zero (Page 1954): the maximum
likelihood estimate.

The alternative, not the alarm's own level, which would be seen to be left sooner: from five times the rate to twice of
it is no return.
"""

from typing import Final

from msgspec.structs import replace

from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved
from services.aggregator.core.lengths import FIVE_MS

_PART: Final = 0.5


def moved_back(chart: Chart, counts: Counts, p0: float, phi: float, ratio: float, rule: CusumRule) -> Chart:
    """Return the chart for a return to p0 after a window; `ratio`: the odds ratio that the alarm looks for.

    `expected` is of the usual rate.
    """
    odds = ratio * p0 / (1 - p0)
    now = moved(chart, counts, odds / (1 + odds), 1 / ratio, _limit(phi, rule))
    return replace(now, expected=chart.expected + counts.n * p0) if now.statistic else ZERO


def came_back(chart: Chart, start_ms: int, phi: float, rule: CusumRule) -> bool:
    """Return whether the rate is the usual one again by the window that began at `start_ms`."""
    windows = (start_ms - chart.since_ms) // FIVE_MS + 1
    return chart.statistic >= _limit(phi, rule) and windows >= rule.quiet_windows


def _limit(phi: float, rule: CusumRule) -> float:
    return _PART * rule.high_limit * phi
