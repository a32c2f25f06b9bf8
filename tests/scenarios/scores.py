"""Scores of simulated transactions, counted by minute into the bins that detectors look at.

Match scores that pass are normal, with a mean of 0.955 and a standard deviation of 0.025, as in the demo's day.
Liveness scores that pass lie below 1 by what is exponential with a mean of 0.0009, and one in fifty is 1. Scores that
fail lie anywhere below their threshold.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.aggregator.core.real_time.shape import BOUNDS
from tests.scenarios.effects import DAY_S, Effect

Counts = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

MINUTES: Final = 1_440
_MATCH: Final = (0.85, 0.955, 0.025)
_LIVENESS: Final = (0.995, 0.0009)
_AT_ONE: Final = 0.02
_WIDTH: Final = 0.2


class Outcomes(NamedTuple):
    """Of every transaction of a day: its minute, whether it was rejected, and which checks failed or had no score."""

    minute: NDArray[np.int64]
    rejected: Flags
    match_failed: Flags
    liveness_failed: Flags
    missing: Flags


def score_bins(
    random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect]
) -> dict[str, Counts]:
    """Return [minute, bin] counts of scores, by check."""
    match = _match(random, day, outcomes, effects)
    liveness = _liveness(random, day, outcomes, effects)
    scored = ~outcomes.missing
    return {
        "match": _binned(outcomes.minute, match),
        "liveness": _binned(outcomes.minute[scored], liveness[scored]),
    }


def during(effect: Effect, day: int) -> slice:
    """Return the minutes of the day in which an effect holds."""
    first, last = ((each - day * DAY_S) / 60 for each in (effect.from_s, effect.until_s))
    return slice(max(0, round(first)), max(0, min(MINUTES, round(last))))


def _match(random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect]) -> Floats:
    threshold, mean, spread = _MATCH
    shifts = np.zeros(MINUTES)
    for effect in effects:
        if effect.shift:
            shifts[during(effect, day)] += effect.shift
    size = len(outcomes.minute)
    passing = mean + spread * (random.standard_normal(size) + shifts[outcomes.minute])
    failing = threshold - _WIDTH * random.random(size)
    return np.where(outcomes.match_failed, failing, np.clip(passing, threshold, 1.0))


def _liveness(random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect]) -> Floats:
    threshold, mean = _LIVENESS
    size = len(outcomes.minute)
    below = np.minimum(random.exponential(mean, size), 1.0 - threshold)
    passing = np.where(random.random(size) < _AT_ONE, 1.0, 1.0 - below)
    found = np.where(outcomes.liveness_failed, threshold - _WIDTH * random.random(size), passing)
    for effect in effects:
        if effect.scores != "usual":
            minutes = during(effect, day)
            within = (outcomes.minute >= minutes.start) & (outcomes.minute < minutes.stop)
            found[within] = 1.0 if effect.scores == "all_one" else 0.0
    return found


def _binned(minute: NDArray[np.int64], scores: Floats) -> Counts:
    bins = np.maximum(np.searchsorted(BOUNDS, scores, side="right") - 1, 0)
    cells = np.bincount(minute * len(BOUNDS) + bins, minlength=MINUTES * len(BOUNDS))
    return cells.reshape(MINUTES, len(BOUNDS))
