"""Scores of simulated transactions, counted by minute as sketches count them.

Match scores that pass are normal, with a mean of 0.955 and a standard deviation of 0.025, as in the demo's day.
Liveness scores that pass lie below 1 by what is exponential with a mean of 0.0009, and one in fifty is 1. Scores that
fail lie anywhere below their threshold. `Habit` is what a vendor does beside: few decimals, few answers, days and hours
that differ.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.edges import edge_set
from services.aggregator.core.real_time.shape import BOUNDS
from tests.scenarios.effects import DAY_S, Effect

Counts = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]
Flags = NDArray[np.bool_]

MINUTES: Final = 1_440
_HOURS: Final = 24
_MATCH: Final = (0.85, 0.955, 0.025)
_LIVENESS: Final = (0.995, 0.0009)
_AT_ONE: Final = 0.02
_WIDTH: Final = 0.2
_EDGES: Final = np.array(edge_set((0.85, 0.9, 0.995)).edges)
_COARSE: Final = np.searchsorted(BOUNDS, _EDGES, side="right") - 1
"""The bin of `shape.BOUNDS` in which a bin of the sketch lies."""


class Habit(NamedTuple):
    """What is particular about a tenant's scores.

    `decimals`: to which they are rounded. `answers`: the liveness scores that pass are one of these, equally often.
    `of_day`, `of_hour`: by how many of their standard deviations match scores differ between days and hours.
    """

    decimals: int | None = None
    answers: tuple[float, ...] = ()
    of_day: float = 0.0
    of_hour: float = 0.0


class Outcomes(NamedTuple):
    """Of every transaction of a day: its minute, whether it was rejected, and which checks failed or had no score."""

    minute: NDArray[np.int64]
    rejected: Flags
    match_failed: Flags
    liveness_failed: Flags
    missing: Flags


class ScoreCounts(NamedTuple):
    """Scores of one check by minute: `bins[minute, bin]` of `shape.BOUNDS`; how many lie at 0 and at 1; pairs alike."""

    bins: Counts
    at_zero: Counts
    at_one: Counts
    alike: Counts


def score_counts(
    random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect], habit: Habit
) -> dict[str, ScoreCounts]:
    """Return the scores of a day of the run, by check."""
    match = _match(random, day, outcomes, effects, habit)
    liveness = _liveness(random, day, outcomes, effects, habit)
    scored = ~outcomes.missing
    return {
        "match": _counted(outcomes.minute, match),
        "liveness": _counted(outcomes.minute[scored], liveness[scored]),
    }


def during(effect: Effect, day: int) -> slice:
    """Return the minutes of the day in which an effect holds."""
    first, last = ((each - day * DAY_S) / 60 for each in (effect.from_s, effect.until_s))
    return slice(max(0, round(first)), max(0, min(MINUTES, round(last))))


def _match(
    random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect], habit: Habit
) -> Floats:
    threshold, mean, spread = _MATCH
    shifts = np.zeros(MINUTES)
    if habit.of_day or habit.of_hour:
        hours = habit.of_day * random.standard_normal() + habit.of_hour * random.standard_normal(_HOURS)
        shifts += np.repeat(hours, MINUTES // _HOURS)
    for effect in effects:
        if effect.shift:
            shifts[during(effect, day)] += effect.shift
    size = len(outcomes.minute)
    passing = mean + spread * (random.standard_normal(size) + shifts[outcomes.minute])
    failing = threshold - _WIDTH * random.random(size)
    return _rounded(outcomes.match_failed, failing, np.clip(passing, threshold, 1.0), threshold, habit)


def _liveness(
    random: np.random.Generator, day: int, outcomes: Outcomes, effects: Sequence[Effect], habit: Habit
) -> Floats:
    threshold, mean = _LIVENESS
    size = len(outcomes.minute)
    if habit.answers:
        passing = random.choice(habit.answers, size)
    else:
        below = np.minimum(random.exponential(mean, size), 1.0 - threshold)
        passing = np.where(random.random(size) < _AT_ONE, 1.0, 1.0 - below)
    failing = threshold - _WIDTH * random.random(size)
    found = _rounded(outcomes.liveness_failed, failing, passing, threshold, habit)
    for effect in effects:
        if effect.scores != "usual":
            minutes = during(effect, day)
            within = (outcomes.minute >= minutes.start) & (outcomes.minute < minutes.stop)
            found[within] = 1.0 if effect.scores == "all_one" else 0.0
    return found


def _rounded(failed: Flags, failing: Floats, passing: Floats, threshold: float, habit: Habit) -> Floats:
    """Return the scores with the tenant's decimals; rounding lets none pass that fails, nor the other way round."""
    if habit.decimals is None:
        return np.where(failed, failing, passing)
    steps = 10**habit.decimals
    least = np.ceil(threshold * steps)
    low, high = np.minimum(np.round(failing * steps), least - 1), np.maximum(np.round(passing * steps), least)
    found: Floats = np.where(failed, low, high) / steps
    return found


def _counted(minute: NDArray[np.int64], scores: Floats) -> ScoreCounts:
    fine = np.searchsorted(_EDGES, scores, side="right") - 1
    cells, counts = np.unique(minute * len(_EDGES) + fine, return_counts=True)
    at, place = np.divmod(cells, len(_EDGES))
    bins = np.bincount(at * len(BOUNDS) + _COARSE[place], counts, MINUTES * len(BOUNDS)).astype(np.int64)

    def by_minute(which: Flags, weights: NDArray[np.int64]) -> Counts:
        return np.bincount(at[which], weights[which], MINUTES).astype(np.int64)

    every = np.ones(len(at), dtype=np.bool_)
    return ScoreCounts(
        bins.reshape(MINUTES, len(BOUNDS)),
        by_minute(place == 0, counts),
        by_minute(place == len(_EDGES) - 1, counts),
        by_minute(every, counts * (counts - 1)),
    )
