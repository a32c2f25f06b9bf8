"""How far what alarms has come: about how many trials went otherwise than usual by now, and in the end.

A chart that alarms stands at its limit, and its finding only holds. So while it does, the finding is told anew each
time the excess since its change point passes a further power of two: log2 of it in the life of an alarm, and not one
for each window. What came since the last zero of the chart which watches for the end (`cusum.back`) does not count:
it may be the end already, and what is left then wanders by chance. When it is over the excess is that up to there.
"""

from math import frexp

from msgspec.structs import replace

from services.aggregator.core.cusum.chart import Chart
from services.aggregator.core.cusum.state import Side


def excess(chart: Chart, *, up: bool) -> float:
    """Return how many failures there were beyond the usual ones since the change point; downwards: how many short."""
    return max(0.0, chart.k - chart.expected if up else chart.expected - chart.k)


def doubled(before: Side, side: Side, *, up: bool) -> tuple[Side, bool]:
    """Return a side after a window with what its finding says by now, and whether that is a power of two more.

    `before`: the side before the window.
    """
    if not side.alarmed_ms:
        return side, False
    told = before.doublings if before.alarmed_ms else 0
    now = max(told, frexp(so_far(side, up=up) or 0.0)[1])
    return (replace(side, doublings=now) if now else side), now > told


def so_far(side: Side, *, up: bool) -> float | None:
    """Return the excess of what alarms, without what came since it ended, if it did; None: its counts are gone."""
    chart = side.reference if side.reference.statistic > side.baseline.statistic else side.baseline
    if not side.alarmed_ms or chart.n <= side.ending.n:
        return None
    k, expected = chart.k - side.ending.k, chart.expected - side.ending.expected
    return max(0.0, k - expected if up else expected - k)
