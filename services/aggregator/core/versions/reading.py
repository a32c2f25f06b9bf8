"""What a look at one metric of a new version says, and what it takes to say it."""

from collections.abc import Callable
from typing import Literal, NamedTuple

Direction = Literal["up", "down"]
Dispersion = Callable[[str, float], float]
"""Of a rate or sketch, where so many events are expected."""
People = Callable[[str, bool], float]
"""How many times as often (True), or as rarely (False), as others its people alone may fail: `people.factor`."""


def anybody(metric: str, up: bool) -> float:
    """Return that its people are those of the others."""
    return 1.0


class Reading(NamedTuple):
    """What a look says of one metric: k of n, against `baseline_k` of `baseline_n` at `baseline_rate`.

    `effect` is the ratio of rates or durations, or the distance of scores; `floor` from where on it is a finding.
    `beyond`: it is one; `within`: it is as it was, by half of the floor. `affected`: events more or fewer than
    expected. `people`: its people alone may make so large an effect; `explained`: so it may be no more than them.
    `misjudged`: of scores that lie otherwise, how many attempts their check refused more, or fewer, than expected.
    """

    metric: str
    direction: Direction
    k: int
    n: int
    baseline_k: int
    baseline_n: int
    baseline_rate: float
    effect: float
    floor: float
    p_value: float
    beyond: bool
    within: bool
    affected: float
    people: float = 1.0
    explained: bool = False
    misjudged: float = 0.0


def tail(k: float, known: float, share: float, *, up: bool) -> float:
    """Return P(so many of all events or more are the new ones), or so few or fewer; counts need not be whole."""
    from scipy.special import betainc  # on first use: see proofwatch.biometrics.intervals

    if up:
        return float(betainc(k, known + 1, share)) if k > 0 else 1.0
    return float(betainc(known, k + 1, 1 - share)) if known > 0 else 1.0
