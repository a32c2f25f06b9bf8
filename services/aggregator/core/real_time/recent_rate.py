"""What a tenant's own last hours say of the next minutes: how many come, if they get fewer, how they are dispersed.

It needs no earlier date, so it holds from the first day on. Means weigh exponentially: `level` by 30 minutes, `fast` by
10, `spread`, the Pearson dispersion of transactions a minute (variance by mean), by four hours.

*Getting fewer*: what both means say of now falls by ln(level / fast) / 20 a minute, and goes on doing so. So a night
that comes within hours adds up to few transactions that are missed, however long it lasts, and an abrupt stop to many.
*Dispersion*: minutes are negative binomial with mean m and dispersion D, of which none is seen in t minutes with
probability D^(-t m / (D - 1)): as if m ln D / (D - 1) came by Poisson. Half of that is expected.
"""

from math import exp, log
from typing import Final

from services.aggregator.core.real_time.detector import Chart

_LEVEL: Final = 1 / 30
_FAST: Final = 1 / 10
_SPREAD: Final = 1 / 240
_APART: Final = 1 / _LEVEL - 1 / _FAST
"""Minutes between what both means speak of."""
_MOST_MINUTES: Final = 60
"""For longer than that the last hour does not tell of the next."""


def counted(chart: Chart, gap: int, transactions: int) -> tuple[float, float, float]:
    """Return `level`, `fast` and `spread` after `gap` minutes without transactions and one with so many."""
    level, spread = _of_gap(chart, gap)
    fast = chart.fast * (1 - _FAST) ** gap
    spread += _SPREAD * ((transactions - level) ** 2 / max(level, 1.0) - spread)
    return level + _LEVEL * (transactions - level), fast + _FAST * (transactions - fast), spread


def _of_gap(chart: Chart, gap: int) -> tuple[float, float]:
    """Return `level` and `spread` after so many minutes without any: each of them is `level` away from what it says."""
    kept, forgets = 1 - _LEVEL, 1 - _SPREAD
    missed = chart.level * (forgets**gap - kept**gap) / (forgets - kept)
    return chart.level * kept**gap, chart.spread * forgets**gap + _SPREAD * missed


def missed_after(chart: Chart, expected: int) -> int | None:
    """Return after how many minutes of silence half of what was to come is `expected`; None: not within an hour."""
    if chart.level <= 0.0 or chart.fast <= 0.0:
        return None
    falls = max(0.0, log(chart.level / chart.fast) / _APART)
    rate = chart.fast * exp(-falls / _FAST) * _surprise(chart.spread) / 2
    if falls == 0.0:
        minutes = expected / rate
    elif rate <= falls * expected:
        return None
    else:
        minutes = -log(1 - falls * expected / rate) / falls
    return int(minutes) + 1 if minutes < _MOST_MINUTES else None


def _surprise(spread: float) -> float:
    """Return how much a transaction that is missed says, where the dispersion is `spread`; at most 1."""
    return log(spread) / (spread - 1) if spread > 1.0 else 1.0
