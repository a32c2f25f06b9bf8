"""What is planted, by scenario: functions of a run's random numbers and of when it begins (seconds since the run's)."""

from typing import Final

import numpy as np

from proofwatch.detection.findings import PEOPLE_REFERRED
from tests.scenarios.effects import DAY_S, WHOLE, Effect, Plant, Slice

HOUR_S: Final = 3_600
_VERDICTS: Final = frozenset({"rejection_rate", "retry_rate", "refer_rate", PEOPLE_REFERRED})
LIVENESS: Final = _VERDICTS | {"liveness_fail_rate"}
MATCH: Final = _VERDICTS | {"match_fail_rate"}
VOLUME: Final = frozenset({"volume", "silence"})
HANDSET: Final[Slice] = ("device_model", "b")
RELEASE: Final[Slice] = ("sdk_version", "d")
COUNTRY: Final[Slice] = ("country", "c")


def doubled(random: np.random.Generator, begin_s: float) -> Plant:
    """Return twice the liveness failures of the whole tenant, for twelve hours."""
    from_s = begin_s + random.uniform(0, 6 * HOUR_S)
    until_s = from_s + 12 * HOUR_S
    return Plant(from_s, until_s, WHOLE, LIVENESS, (Effect(from_s, until_s, factor=2.0),))


def standing(random: np.random.Generator, begin_s: float) -> Plant:
    """Return three times the liveness failures of the whole tenant, for a week: nothing else comes."""
    from_s = begin_s + random.uniform(0, 6 * HOUR_S)
    until_s = from_s + 7 * DAY_S
    return Plant(from_s, until_s, WHOLE, LIVENESS, (Effect(from_s, until_s, factor=3.0),))


def creeping(random: np.random.Generator, begin_s: float) -> Plant:
    """Return liveness failures that grow by 5 % a day, for thirty days."""
    until_s = begin_s + 30 * DAY_S
    return Plant(begin_s, until_s, WHOLE, LIVENESS, (Effect(begin_s, until_s, per_day=1.05),))


def poisoned(random: np.random.Generator, begin_s: float) -> Plant:
    """Return liveness failures that grow by 2 % a week, for twenty weeks: 49 % in all, and no week stands out."""
    until_s = begin_s + 140 * DAY_S
    return Plant(begin_s, until_s, WHOLE, LIVENESS, (Effect(begin_s, until_s, per_day=1.02 ** (1 / 7)),))


def poisoned_fast(random: np.random.Generator, begin_s: float) -> Plant:
    """Return liveness failures that grow by 6 % a week, for twenty weeks: to 3.2 times."""
    until_s = begin_s + 140 * DAY_S
    return Plant(begin_s, until_s, WHOLE, LIVENESS, (Effect(begin_s, until_s, per_day=1.06 ** (1 / 7)),))


def fail_open(random: np.random.Generator, begin_s: float) -> Plant:
    """Return a liveness service that answers 1.0 to everything, for four hours of the day."""
    from_s = begin_s + random.uniform(8 * HOUR_S, 18 * HOUR_S)
    until_s = from_s + 4 * HOUR_S
    return Plant(from_s, until_s, WHOLE, LIVENESS, (Effect(from_s, until_s, fixed=0.0, scores="all_one"),))


def fail_closed(random: np.random.Generator, begin_s: float) -> Plant:
    """Return a liveness service that answers 0.0 to everything, for two hours of the day."""
    from_s = begin_s + random.uniform(8 * HOUR_S, 18 * HOUR_S)
    until_s = from_s + 2 * HOUR_S
    effect = Effect(from_s, until_s, fixed=1.0, again=1.0, scores="all_zero")
    rules = frozenset({"saturation", "few_values", "score_shift", "volume"})  # everybody comes again
    return Plant(from_s, until_s, WHOLE, LIVENESS, (effect,), rules=rules)


def wave(random: np.random.Generator, begin_s: float) -> Plant:
    """Return attacks from one handset for 90 minutes: a tenth as many as its honest users; seven in ten are caught."""
    from_s = begin_s + random.uniform(8 * HOUR_S, 18 * HOUR_S)
    until_s = from_s + 1.5 * HOUR_S
    effects = (
        Effect(from_s, until_s, HANDSET, volume=1.1),
        Effect(from_s, until_s, HANDSET, fixed=0.075, again=0.6),
    )
    return Plant(from_s, until_s, HANDSET, LIVENESS, effects)


def biased(random: np.random.Generator, begin_s: float) -> Plant:
    """Return three times the liveness failures in one country, for two days."""
    from_s = begin_s + random.uniform(0, 12 * HOUR_S)
    until_s = from_s + 2 * DAY_S
    return Plant(from_s, until_s, COUNTRY, LIVENESS, (Effect(from_s, until_s, COUNTRY, factor=3.0),))


def release(random: np.random.Generator, begin_s: float) -> Plant:
    """Return an SDK release with four times the liveness failures, rolled back after six hours."""
    from_s = begin_s + random.uniform(6 * HOUR_S, 12 * HOUR_S)
    until_s = from_s + 6 * HOUR_S
    return Plant(from_s, until_s, RELEASE, LIVENESS, (Effect(from_s, until_s, RELEASE, factor=4.0),))


def version(random: np.random.Generator, begin_s: float) -> Plant:
    """Return a new version that all have at once, with twice the match failures; it stays for three days."""
    from_s = begin_s + random.uniform(6 * HOUR_S, 12 * HOUR_S)
    until_s = begin_s + 3 * DAY_S
    effects = (Effect(from_s, until_s, becomes=RELEASE), Effect(from_s, until_s, check="match", factor=2.0))
    return Plant(from_s, until_s, WHOLE, MATCH, effects, alike=(RELEASE,))


def outage(random: np.random.Generator, begin_s: float) -> Plant:
    """Return an hour without traffic."""
    from_s = begin_s + random.uniform(8 * HOUR_S, 16 * HOUR_S)
    until_s = from_s + HOUR_S
    return Plant(from_s, until_s, WHOLE, frozenset(), (Effect(from_s, until_s, volume=0.0),), rules=VOLUME)


def flapping(random: np.random.Generator, begin_s: float) -> Plant:
    """Return liveness failures that are 1.9 times and 2.1 times as many by turns, half an hour each, for two days."""
    from_s = begin_s + random.uniform(0, 6 * HOUR_S)
    until_s = from_s + 2 * DAY_S
    edges = np.arange(from_s, until_s, HOUR_S / 2)
    effects = [Effect(at, at + HOUR_S / 2, factor=1.9 + 0.2 * (i % 2)) for i, at in enumerate(edges.tolist())]
    return Plant(from_s, until_s, WHOLE, LIVENESS, tuple(effects))


def falling(random: np.random.Generator, begin_s: float) -> Plant:
    """Return match scores that are lower by half a standard deviation, and none more that fails, for a day."""
    from_s = begin_s + random.uniform(6 * HOUR_S, 12 * HOUR_S)
    until_s = from_s + DAY_S
    effect = Effect(from_s, until_s, check="match", shift=-0.5)
    return Plant(from_s, until_s, WHOLE, frozenset(), (effect,))
