"""Labelled trials grouped for an evaluation: per cohort (everything, or one segment value) and per class.

The classes are `genuine` and `impostor` comparisons, `bona_fide` presentations and, per PAI species,
`attack:<species>`. A trial without a score is counted as missing in its class and leaves no score.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from proofwatch.biometrics.rates import UNKNOWN_SPECIES
from proofwatch.biometrics.sketch import Sketch

GENUINE = "genuine"
IMPOSTOR = "impostor"
BONA_FIDE = "bona_fide"
ATTACK = "attack"
ATTACK_PREFIX = f"{ATTACK}:"
UNLABELLED = "unlabelled"  # the segment value of a blank cell

Cohort = tuple[str, str] | None
"""(segment column, value), or None for all trials together."""


def attack_class(species: str | None) -> str:
    """Return the class of an attack of this PAI species; a blank species is `unknown`."""
    return ATTACK_PREFIX + (species or UNKNOWN_SPECIES)


def cohorts_of(segments: Mapping[str, str | None]) -> list[Cohort]:
    """Return the cohorts of a trial with these segment cells: all trials, and one per column."""
    return [None, *((column, value or UNLABELLED) for column, value in segments.items())]


@dataclass(slots=True)
class RawClass:
    """The trials of one class in one cohort: finite scores in order of arrival, and how many had none."""

    scores: "array[float]" = field(default_factory=lambda: array("d"))
    missing: int = 0


class Trials:
    """Raw labelled trials, grouped as they are added."""

    def __init__(self) -> None:
        self.cells: dict[Cohort, dict[str, RawClass]] = {}

    def add(self, trial_class: str, score: float | None, cohorts: Iterable[Cohort] = (None,)) -> None:
        """Add one labelled trial to each of its cohorts; `score` is finite, None if there was none."""
        for cohort in cohorts:
            raw = self.cells.setdefault(cohort, {}).setdefault(trial_class, RawClass())
            if score is None:
                raw.missing += 1
            else:
                raw.scores.append(score)


def attack_classes(classes: Iterable[str]) -> list[str]:
    """Return those of the classes that are attacks, in order of their species."""
    return sorted(name for name in classes if name.startswith(ATTACK_PREFIX))


def species_of(attack_class: str) -> str:
    """Return the PAI species of an attack class."""
    return attack_class.removeprefix(ATTACK_PREFIX)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """Outcomes of one class of trials in one cohort at the threshold in force.

    `passed`: score >= threshold; `failed`: score below; `missing`: no score. `scores` is where curves come
    from: a sketch, or raw scores in any order; None if there is neither, and then curve figures are null.
    """

    passed: int
    failed: int
    missing: int
    scores: Sketch | NDArray[np.float64] | None

    @property
    def n(self) -> int:
        """Trials with a score."""
        return self.passed + self.failed


Classes = Mapping[str, ClassCounts]
NO_TRIALS = ClassCounts(0, 0, 0, None)


class Thresholds(msgspec.Struct, frozen=True):
    """The thresholds at which outcomes were counted (accept when score >= threshold)."""

    match: float
    liveness: float


def count_outcomes(classes: Mapping[str, RawClass], thresholds: Thresholds) -> dict[str, ClassCounts]:
    """Return the outcomes of raw trials at the thresholds, with their scores for the curves."""
    counted = {}
    for name, raw in classes.items():
        scores = np.array(raw.scores, dtype=np.float64)
        threshold = thresholds.match if name in (GENUINE, IMPOSTOR) else thresholds.liveness
        passed = int(np.count_nonzero(scores >= threshold))
        counted[name] = ClassCounts(passed, len(scores) - passed, raw.missing, scores)
    return counted
