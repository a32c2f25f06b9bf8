"""One chart: the evidence that a rate moved, since when, and the counts that say so.

`biometrics.cusum` states what a chart is. Beside its number it carries what came since its change point, which is the
beginning of the first window after its last zero (Page 1954): the maximum likelihood estimate of when the rate moved.
"""

from typing import Final, NamedTuple

from msgspec import Struct

from proofwatch.biometrics import cusum


class Chart(Struct, frozen=True, array_like=True):
    """The statistic; since when (ms since 1970, 0: it is at zero), and from then on k failures in n trials.

    `expected`: of them by the rate compared with. `rest_k` and `rest_expected`: of the rest of the tenant, in the same
    windows; 0 for a whole tenant.
    """

    statistic: float = 0.0
    since_ms: int = 0
    k: int = 0
    n: int = 0
    expected: float = 0.0
    rest_k: int = 0
    rest_expected: float = 0.0


class Counts(NamedTuple):
    """k failures in n trials of a window, and those of the rest of the tenant: `rest_k`, and `rest_expected`.

    `other`: k and n of the attempts that the chart does not count: of first ones where it counts all, of all where it
    counts first ones; None: not known.
    """

    start_ms: int
    k: int
    n: int
    rest_k: int = 0
    rest_expected: float = 0.0
    other: tuple[int, int] | None = None


ZERO: Final = Chart()


def moved(chart: Chart, counts: Counts, p0: float, odds_ratio: float, cap: float) -> Chart:
    """Return the chart after a window; it never passes `cap`, so it comes down as soon as evidence turns."""
    statistic = cusum.step(chart.statistic, counts.k, counts.n, p0=p0, odds_ratio=odds_ratio, cap=cap)
    if statistic <= 0.0:
        return ZERO
    return Chart(
        statistic,
        chart.since_ms if chart.statistic else counts.start_ms,
        chart.k + counts.k,
        chart.n + counts.n,
        chart.expected + counts.n * p0,
        chart.rest_k + counts.rest_k,
        chart.rest_expected + counts.rest_expected,
    )


def restarted(limit: float, at_ms: int) -> Chart:
    """Return the chart after a repair: with a head start of half the limit (Lucas & Crosier 1982)."""
    return Chart(cusum.head_start(limit), at_ms)
