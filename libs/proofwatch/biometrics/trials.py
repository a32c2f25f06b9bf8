"""Labelled trials grouped for an evaluation: per cohort (everything, or one segment value) and per class.

The classes are `genuine` and `impostor` comparisons, `bona_fide` presentations and, per PAI species,
`attack:<species>`. A trial without a score is counted as missing in its class and leaves no score.

Injection attacks (a virtual camera, a call of the API) present nothing to a sensor: they are `injection:<method>`, no
presentation attacks, and in no figure of ISO/IEC 30107-3. What the whole system, comparison and liveness together, made
of an attack is counted as `system:<class of the attack>`: passed is accepted.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import nan

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
INJECTION = "injection"
INJECTION_PREFIX = f"{INJECTION}:"
SYSTEM_PREFIX = "system:"
UNLABELLED = "unlabelled"  # the segment value of a blank cell

Cohort = tuple[str, str] | None
"""(segment column, value), or None for all trials together."""


def attack_class(species: str | None) -> str:
    """Return the class of an attack of this PAI species; a blank species is `unknown`."""
    return ATTACK_PREFIX + (species or UNKNOWN_SPECIES)


def injection_class(method: str | None) -> str:
    """Return the class of an injection attack by this method; a blank one is `unknown`."""
    return INJECTION_PREFIX + (method or UNKNOWN_SPECIES)


def is_attack(trial_class: str) -> bool:
    """Return whether a class is of attacks, presented or injected."""
    return trial_class.startswith((ATTACK_PREFIX, INJECTION_PREFIX))


def system_class(trial_class: str) -> str:
    """Return the class of what the whole system made of the attacks of a class."""
    return SYSTEM_PREFIX + trial_class


def is_system(trial_class: str) -> bool:
    """Return whether a class counts what the whole system made of attacks: it has no scores of its own."""
    return trial_class.startswith(SYSTEM_PREFIX)


def cohorts_of(segments: Mapping[str, str | None]) -> list[Cohort]:
    """Return the cohorts of a trial with these segment cells: all trials, and one per column."""
    return [None, *((column, value or UNLABELLED) for column, value in segments.items())]


@dataclass(slots=True)
class RawClass:
    """The trials of one class in one cohort: finite scores in order of arrival, and how many had none."""

    scores: "array[float]" = field(default_factory=lambda: array("d"))
    missing: int = 0


@dataclass(slots=True)
class RawAttacks:
    """The attacks of one class that both checks judged: their scores in order of arrival, NaN where there was none."""

    match: "array[float]" = field(default_factory=lambda: array("d"))
    liveness: "array[float]" = field(default_factory=lambda: array("d"))


class Trials:
    """Raw labelled trials, grouped as they are added."""

    def __init__(self) -> None:
        self.cells: dict[Cohort, dict[str, RawClass]] = {}
        self.attacks: dict[Cohort, dict[str, RawAttacks]] = {}

    def add(self, trial_class: str, score: float | None, cohorts: Iterable[Cohort] = (None,)) -> None:
        """Add one labelled trial to each of its cohorts; `score` is finite, None if there was none."""
        for cohort in cohorts:
            raw = self.cells.setdefault(cohort, {}).setdefault(trial_class, RawClass())
            if score is None:
                raw.missing += 1
            else:
                raw.scores.append(score)

    def add_attack(
        self, trial_class: str, match: float | None, liveness: float | None, cohorts: Iterable[Cohort] = (None,)
    ) -> None:
        """Add an attack as the whole system saw it: both checks were asked for; a score is None if there was none."""
        for cohort in cohorts:
            raw = self.attacks.setdefault(cohort, {}).setdefault(trial_class, RawAttacks())
            raw.match.append(nan if match is None else match)
            raw.liveness.append(nan if liveness is None else liveness)


def attack_classes(classes: Iterable[str]) -> list[str]:
    """Return those of the classes that are attacks, in order of their species."""
    return sorted(name for name in classes if name.startswith(ATTACK_PREFIX))


def species_of(attack_class: str) -> str:
    """Return the PAI species of an attack class."""
    return attack_class.removeprefix(ATTACK_PREFIX)


def by_name(classes: "Classes", prefix: str) -> "dict[str, ClassCounts]":
    """Return those of the classes that begin with `prefix`, by what follows it, in order."""
    return {name.removeprefix(prefix): classes[name] for name in sorted(classes) if name.startswith(prefix)}


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


def count_accepted(attacks: Mapping[str, RawAttacks], thresholds: Thresholds) -> dict[str, ClassCounts]:
    """Return what the whole system makes of raw attacks: accepted where both scores reach their thresholds."""
    counted = {}
    for name, raw in attacks.items():
        match, liveness = (np.array(scores, dtype=np.float64) for scores in (raw.match, raw.liveness))
        passed = int(np.count_nonzero((match >= thresholds.match) & (liveness >= thresholds.liveness)))
        counted[system_class(name)] = ClassCounts(passed, len(match) - passed, 0, None)
    return counted
