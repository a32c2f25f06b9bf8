"""The figures that are read off a curve rather than counted at the threshold in force.

From raw scores they are exact. From sketches, every figure states `bounds` that hold the value of the raw scores, and
the raw EER threshold lies within the bin whose width is the resolution; FNMR at FMR and BPCER at APCER are exact
counts at the lowest *edge* that keeps the fixed rate, so they are never too good, and equal to the raw ones
in k and n where the sketches have `operating_points` as edges.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from proofwatch.biometrics.curves import Cumulative, OperatingPoint, at_fixed_rate, auc, cumulate, eer
from proofwatch.biometrics.figures import Bounds, Figure, composed, rate
from proofwatch.biometrics.rates import DEFAULT_MIN_TRIALS, headline_species
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import (
    BONA_FIDE,
    GENUINE,
    IMPOSTOR,
    Classes,
    Thresholds,
    Trials,
    attack_class,
    attack_classes,
    count_outcomes,
    species_of,
)

FIXED_FMR = {"0.001": 0.001, "0.01": 0.01, "0.1": 0.1}
FIXED_APCER = {"bpcer10": 0.1, "bpcer20": 0.05, "bpcer100": 0.01}

ThresholdChoice = float | Literal["eer"]


def curve_of(classes: Classes, names: Sequence[str]) -> Cumulative | None:
    """Return the curve of those of the named classes that have scores; None if one was counted without them.

    Raises ValueError when a class has not as many scores as outcomes: its rates and its curves would speak of
    different trials.
    """
    kept = {}
    for name in names:
        trials = classes.get(name)
        if trials is None or not trials.n:
            continue
        if trials.scores is None:
            return None
        n = trials.scores.total() if isinstance(trials.scores, Sketch) else len(trials.scores)
        if n != trials.n:
            raise ValueError(f"{name}: {n} scores for {trials.n} outcomes; both must describe the same trials")
        kept[name] = trials.scores
    return cumulate(kept)


def eer_figure(curve: Cumulative | None, mated: str, non_mated: Sequence[str]) -> Figure:
    """Return the EER; its resolution is in score units: the width of the bin that the crossing lies in."""
    point = eer(curve, [mated], non_mated) if curve else None
    if point is None:
        return composed(None)
    if point.resolution is None:
        return composed(point.value)
    return composed(point.value, point.resolution, Bounds(point.low, point.high))


def auc_figure(curve: Cumulative | None, mated: str, non_mated: Sequence[str]) -> Figure:
    """Return the AUC; its resolution is in units of the AUC itself."""
    area = auc(curve, [mated], non_mated) if curve else None
    if area is None:
        return composed(None)
    if area.resolution is None:
        return composed(area.value)
    return composed(area.value, area.resolution, Bounds(area.low, area.high))


def point_figure(point: OperatingPoint | None) -> Figure:
    """Return the error rate of mated trials at an operating point; its resolution is in score units."""
    if point is None:
        return composed(None)
    figure = rate(point.k, point.n)
    if point.resolution is None:
        return figure
    bounds = Bounds(point.k_low / point.n, point.k / point.n)
    return msgspec.structs.replace(figure, resolution=point.resolution, bounds=bounds)


def match_points(curve: Cumulative | None) -> dict[str, OperatingPoint | None]:
    """Return, per fixed FMR, the point at which genuine comparisons are rejected."""
    return {
        name: at_fixed_rate(curve, [GENUINE], [[IMPOSTOR]], maximum) if curve else None
        for name, maximum in FIXED_FMR.items()
    }


def liveness_points(curve: Cumulative | None, min_trials: int) -> dict[str, OperatingPoint | None]:
    """Return, per fixed APCER of every headline species, the point at which bona fide trials are rejected."""
    if curve is None:
        return dict.fromkeys(FIXED_APCER)
    trials = {species_of(name): curve.totals[name] for name in attack_classes(curve.totals)}
    headline = [[attack_class(species)] for species in headline_species(trials, min_trials)]
    return {name: at_fixed_rate(curve, [BONA_FIDE], headline, maximum) for name, maximum in FIXED_APCER.items()}


def resolve_thresholds(trials: Trials, match: ThresholdChoice, liveness: ThresholdChoice) -> Thresholds:
    """Return the thresholds as numbers, `eer` being replaced by the EER point of all trials.

    Raises ValueError when `eer` is asked for where there are trials of that kind but not scores of both
    sides.
    """
    classes = count_outcomes(trials.cells.get(None, {}), Thresholds(0.0, 0.0))
    attacks = attack_classes(classes)
    return Thresholds(
        _resolve(match, classes, GENUINE, [IMPOSTOR], "match threshold eer: needs genuine and impostor scores"),
        _resolve(liveness, classes, BONA_FIDE, attacks, "liveness threshold eer: needs bona_fide and attack scores"),
    )


def operating_points(trials: Trials, min_trials: int = DEFAULT_MIN_TRIALS) -> list[float]:
    """Return every threshold, ascending, at which an evaluation of these trials reads a fixed-rate figure.

    Sketches with these as edges give the same k and n there as the raw scores do: the curve of a sketch is
    exact at its edges, and the raw curve is flat between a score and the next.
    """
    found: set[float] = set()
    for raw in trials.cells.values():
        classes = count_outcomes(raw, Thresholds(0.0, 0.0))
        match = curve_of(classes, [GENUINE, IMPOSTOR])
        liveness = curve_of(classes, [BONA_FIDE, *attack_classes(classes)])
        points = [*match_points(match).values(), *liveness_points(liveness, min_trials).values()]
        found.update(point.threshold for point in points if point)
    return sorted(found)


def _resolve(choice: ThresholdChoice, classes: Classes, mated: str, non_mated: Sequence[str], complaint: str) -> float:
    if choice != "eer":
        return choice
    if not any(name in classes for name in (mated, *non_mated)):
        return 0.0  # nothing of this kind is evaluated, so this threshold is never shown
    curve = curve_of(classes, [mated, *non_mated])
    point = eer(curve, [mated], non_mated) if curve else None
    if point is None:
        raise ValueError(complaint)
    return point.threshold
