"""How often what only stands is said to have risen again: `python -m tests.unit.aggregator.cusum.null_again WEEKS`.

First attempts of a tenant of 1,000 an hour, day and night, of which 0.73 % fail (1 % of all attempts, where who fails
fails again in 28 %), and of a segment value of a quarter of them. Hours' rates differ by 10 % (standard deviation of
the logarithm), which makes the dispersion. The rate comes to so many times as much and stays for a week after the
alarm; the charts are those of production, against a rate that is known. No other cause comes, so every step is wrong.
"""

import sys
from typing import Final, NamedTuple

import numpy as np

from proofwatch.governance.policy import CusumRule, load_policy
from services.aggregator.core.cusum.again import began, stepped
from services.aggregator.core.cusum.chart import ZERO, Counts, moved
from services.aggregator.core.lengths import FIVE_MS

_P0: Final = 0.0073
_PER_WINDOW: Final = 1_000 / 12
_WEEK: Final = 7 * 288
_PER_HOUR: Final = 12
_DIFFER: Final = 0.1
_PHI: Final = 1.1
_LONGEST: Final = 28 * 288


class Weeks(NamedTuple):
    """So many alarms that stood for a week, how many of them told a rise, and all rises told; steps untold."""

    alarms: int
    told_in: int
    told: int
    untold: int


def standing(random: np.random.Generator, times: float, weeks: int, rule: CusumRule, *, whole: bool) -> Weeks:
    """Return what is said of rates that are `times` as high as usual."""
    alarms = told_in = told = untold = 0
    for _ in range(weeks):
        steps = _week(random, times, rule, whole=whole)
        if steps is not None:
            rises = sum(steps)
            alarms, told_in, told = alarms + 1, told_in + (rises > 0), told + rises
            untold += len(steps) - rises
    return Weeks(alarms, told_in, told, untold)


def _week(random: np.random.Generator, times: float, rule: CusumRule, *, whole: bool) -> list[bool] | None:
    """Return the steps of an alarm's first week, whether each was told; None: there was no alarm."""
    limit, chart, again = rule.high_limit * _PHI, ZERO, None
    steps: list[bool] = []
    left = _WEEK
    for counts in _windows(random, times, whole=whole):
        if again is None:
            chart = moved(chart, counts, _P0, rule.odds_ratio, limit)
            if chart.statistic >= limit:
                again = began(chart, counts.start_ms, by_reference=False)
            continue
        now = stepped(again, counts, _P0, _PHI, rule, whole=whole, plain=True)
        again = now.again
        if now.step is not None:
            steps.append(now.step.told)
        left -= 1
        if not left:
            return steps
    return None


def _windows(random: np.random.Generator, times: float, *, whole: bool) -> list[Counts]:
    number = _LONGEST
    worse = np.repeat(np.exp(random.normal(0.0, _DIFFER, number // _PER_HOUR)), _PER_HOUR)
    n = random.poisson(_PER_WINDOW if whole else _PER_WINDOW / 4, number)
    k = random.binomial(n, np.minimum(1.0, _P0 * times * worse))
    rest = random.poisson(0.0 if whole else _PER_WINDOW * 3 / 4, number)
    rest_k = random.binomial(rest, np.minimum(1.0, _P0 * worse))
    columns = zip(k.tolist(), n.tolist(), rest_k.tolist(), (rest * _P0).tolist(), strict=True)
    return [Counts(FIVE_MS * (at + 1), *each) for at, each in enumerate(columns)]


def main(weeks: int) -> None:
    """Print a line for each size."""
    rule = load_policy().monitoring.cusum
    for whole in (True, False):
        for times in (2.0, 3.0, 5.0, 10.0):
            found = standing(np.random.default_rng(7), times, weeks, rule, whole=whole)
            sys.stdout.write(f"{'whole tenant' if whole else 'a quarter'} {times:g} times: {found}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
