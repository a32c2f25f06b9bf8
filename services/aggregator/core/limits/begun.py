"""When what labels prove of a limit began: on which day a rate changed, as far as the days tell. Pure.

That a limit is broken over 28 days says nothing of when it began to be. The day is the most likely one of a change from
one rate to a higher one (maximum likelihood, binomial counts divided by the metric's design effect), of all days that
are known, those before the window too; its bounds hold 90 % of the likelihood of all days. It is said only where one
rate is beyond what the days allow (`_EVIDENCE`) and the days before keep the limit. Of injections, which come in waves
and not before, it is the first day on which one was accepted.
"""

from collections.abc import Mapping
from itertools import accumulate
from math import exp, log
from typing import Final, NamedTuple

from services.aggregator.core.limits.reading import DAYS, DESIGN_EFFECT, Days, Reading
from services.aggregator.core.limits.trials import INJECTION

_EVIDENCE: Final = 6.0
"""Log likelihood ratio of the best day to no change: of a hundred days that do not differ one reaches it in a hundred
series (the supremum of a chi-squared of one degree over them)."""
_TAIL: Final = 0.05


class Begun(NamedTuple):
    """The day on which it began, and the first and last of the days that hold 90 %; all in days since 1970."""

    day: int
    low: int
    high: int


def begun(metric: str, members: Mapping[str, Days], end: int, reading: Reading) -> Begun | None:
    """Return since when a limit is broken by the 28 days up to `end`; None: no day stands out."""
    days = _counts(members, end, reading)
    if metric == INJECTION:
        return next((Begun(day, day, day) for day, k, _ in days if k and day > end - DAYS), None)
    effect = DESIGN_EFFECT.get(metric, 1.0)
    ks, ns = (list(accumulate(each, initial=0)) for each in ([k for _, k, _ in days], [n for _, _, n in days]))
    same = _likelihood(ks[-1], ns[-1], effect)
    found: list[tuple[float, int]] = []
    for at in range(1, len(days)):
        before, after = (ks[at], ns[at]), (ks[-1] - ks[at], ns[-1] - ns[at])
        if before[0] * after[1] < after[0] * before[1]:
            found.append((_likelihood(*before, effect) + _likelihood(*after, effect) - same, at))
    gain, best = max(found, default=(0.0, 0))
    if gain < _EVIDENCE or ks[best] > reading.broken * ns[best]:
        return None
    weights = [(exp(each - gain), at) for each, at in found]
    total, passed, low, high = sum(weight for weight, _ in weights), 0.0, best, best
    for weight, at in weights:
        low = at if passed <= _TAIL * total else low
        high = at if passed <= (1 - _TAIL) * total else high
        passed += weight
    return Begun(days[best][0], days[low][0], days[high][0])


def _counts(members: Mapping[str, Days], end: int, reading: Reading) -> list[tuple[int, int, int]]:
    """Return day, errors and trials of what is concerned up to `end`, day by day."""
    found: dict[int, tuple[int, int]] = {}
    for name, days in members.items():
        if reading.species and name not in reading.species:
            continue
        for day, (k, n) in days.items():
            before = found.get(day, (0, 0))
            found[day] = before[0] + k, before[1] + n
    return [(day, min(n, max(0, k)), n) for day, (k, n) in sorted(found.items()) if n > 0 and day <= end]


def _likelihood(k: int, n: int, effect: float) -> float:
    """Return the log likelihood of k errors in n trials at their own rate."""
    if not 0 < k < n:
        return 0.0
    return (k * log(k / n) + (n - k) * log(1 - k / n)) / effect
