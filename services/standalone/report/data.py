"""What the plots of error rates show, taken from an evaluation and its counted classes. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from proofwatch.biometrics.curve_figures import curve_of
from proofwatch.biometrics.curves import Cumulative, Det, det
from proofwatch.biometrics.evaluation import Evaluation, SegmentEvaluation
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.intervals import wilson
from proofwatch.biometrics.trials import BONA_FIDE, GENUINE, IMPOSTOR, Classes, attack_class, attack_classes
from proofwatch.biometrics.worst_of import SegmentFigure

Floats = NDArray[np.float64]

_BINS: Final = 64  # of [0, 1]: 1/64 is a multiple of the score grid's coarsest step, so sketched bins are exact
_OCTAVES: Final = 13  # 2^-13 is the finest step of the score grid: nothing lies between it and 1
_PER_OCTAVE: Final = 4
_PER_DEVIATE: Final = 60  # points of a curve that a drawing tells apart on one standard deviation
_NEVER: Final = 1e-7
_EACH_SIDE: Final = 0.975


@dataclass(frozen=True, slots=True)
class Distribution:
    """Scores of two sides in bins edges[i] <= score < edges[i + 1] (the last one closed), as counts by side.

    `near_one`: the bins halve with every halving of the distance to 1, and are to be drawn equally wide.
    """

    edges: Floats
    counts: Mapping[str, NDArray[np.int64]]
    threshold: float
    near_one: bool

    def shares(self, side: str) -> Floats:
        """Return the counts of a side divided by its total."""
        counts = self.counts[side]
        return counts / max(1, int(counts.sum()))


@dataclass(frozen=True, slots=True)
class Curve:
    """One DET curve with the rates at the threshold in force. Rates are in 0..1."""

    name: str
    points: Det
    trials: tuple[int, int]  # non-mated, mated
    operating: tuple[Figure, Figure]  # non-mated accepted (FMR, APCER), mated rejected (FNMR, BPCER)

    def drawable(self) -> tuple[Floats, Floats]:
        """Return both rates where a normal deviate exists: neither is 0 or 1."""
        x, y = self.points.accepted_non_mated, self.points.rejected_mated
        inside = (x > 0) & (x < 1) & (y > 0) & (y < 1)
        return x[inside], y[inside]

    def thinned(self) -> tuple[Floats, Floats]:
        """Return both rates at as many points as can be told apart on normal deviates, the ends among them."""
        rates = np.column_stack([self.points.accepted_non_mated, self.points.rejected_mated])
        places = np.round(_PER_DEVIATE * ndtri(np.clip(rates, _NEVER, 1 - _NEVER)))
        new = np.append(True, (np.diff(places, axis=0) != 0).any(axis=1))
        new[-1] = True
        return rates[new, 0], rates[new, 1]

    def band(self) -> tuple[Floats, Floats]:
        """Return the lower left and the upper right corners, rates in columns, of the rectangles along the curve.

        At a threshold the rectangle holds both true rates with a confidence of at least 95 %: each side is a Wilson
        interval of 97.5 % (Bonferroni). Trials count as independent.
        """
        corners = [
            [wilson(round(float(rate) * n), n, _EACH_SIDE) for rate in rates]
            for rates, n in zip(self.thinned(), self.trials, strict=True)
        ]
        return np.array([[low for low, _ in side] for side in corners]).T, np.array(
            [[high for _, high in side] for side in corners]
        ).T


def match_distribution(classes: Classes, threshold: float) -> Distribution | None:
    """Return genuine against impostor scores; None without any."""
    return _distribution(classes, {"genuine": [GENUINE], "impostor": [IMPOSTOR]}, threshold)


def liveness_distribution(classes: Classes, threshold: float) -> Distribution | None:
    """Return bona fide against attack scores, all species together; None without any."""
    return _distribution(classes, {"bona fide": [BONA_FIDE], "attack": attack_classes(classes)}, threshold)


def match_curves(classes: Classes, evaluation: Evaluation) -> list[Curve]:
    """Return the DET curve of the comparisons; none when a side has no scores."""
    if not evaluation.match:
        return []
    rates = (evaluation.match.fmr, evaluation.match.fnmr)
    return _curves(curve_of(classes, [GENUINE, IMPOSTOR]), GENUINE, [("all comparisons", [IMPOSTOR], rates)])


def liveness_curves(classes: Classes, evaluation: Evaluation) -> list[Curve]:
    """Return the DET curve of the worst PAI species, which is the headline, and of all attacks together."""
    if not evaluation.liveness:
        return []
    found, names = evaluation.liveness, attack_classes(classes)
    curve = curve_of(classes, [BONA_FIDE, *names])
    wanted = [("all attacks", names, (found.apcer_pooled, found.bpcer))]
    if (worst := found.apcer.worst_species) and len(names) > 1:
        wanted.insert(0, (f"worst species: {worst}", [attack_class(worst)], (found.apcer, found.bpcer)))
    return _curves(curve, BONA_FIDE, wanted)


def without_small(evaluation: Evaluation, small_cell: int) -> Evaluation:
    """Return the evaluation with no group of fewer than `small_cell` trials as the worst, or as a reason for it."""
    worst = {
        column: {metric: _without_small(figure, small_cell) for metric, figure in figures.items()}
        for column, figures in evaluation.worst_segments.items()
    }
    return msgspec.structs.replace(evaluation, worst_segments=worst)


def _without_small(figure: SegmentFigure, small_cell: int) -> SegmentFigure:
    because = tuple(each for each in figure.because if each.n >= small_cell)
    if (figure.n or 0) < small_cell:
        return SegmentFigure(None, None, None, None, None, figure.status, because=because)
    return msgspec.structs.replace(figure, because=because)


def segment_figures(values: Mapping[str, SegmentEvaluation]) -> dict[str, dict[str, Figure]]:
    """Return FNMR and BPCER by segment value, for those of the two that have any trial."""
    found: dict[str, dict[str, Figure]] = {"FNMR": {}, "BPCER": {}}
    for value, segment in values.items():
        if segment.match and segment.match.fnmr.n:
            found["FNMR"][value] = segment.match.fnmr
        if segment.liveness and segment.liveness.bpcer.n:
            found["BPCER"][value] = segment.liveness.bpcer
    return {metric: figures for metric, figures in found.items() if figures}


def _distribution(classes: Classes, sides: Mapping[str, Sequence[str]], threshold: float) -> Distribution | None:
    curve = curve_of(classes, [name for names in sides.values() for name in names])
    if curve is None or not any(curve.n(names) for names in sides.values()):
        return None
    finite = curve.thresholds[np.isfinite(curve.thresholds)]
    top = float(finite[-1 if curve.sketched else -2])  # of raw scores the last candidate lies above all scores
    low, high = min(0.0, float(finite[0])), max(1.0, top)
    near_one = threshold > 1 - 2.0**-4 and (low, high) == (0.0, 1.0)
    if near_one:
        wanted = np.append(1 - 2.0 ** -(np.arange(_OCTAVES * _PER_OCTAVE) / _PER_OCTAVE), 1 - 2.0**-_OCTAVES)
        wanted = np.append(wanted, 1.0)
    else:
        wanted = np.linspace(low, high, _BINS + 1)
    edges = np.unique(_snapped(curve, wanted))
    inner = np.searchsorted(curve.thresholds, edges[1:-1])
    counts = {
        side: np.diff(np.concatenate([[0], np.append(curve.below(names), curve.n(names))[inner], [curve.n(names)]]))
        for side, names in sides.items()
        if curve.n(names)
    }
    return Distribution(edges, counts, threshold, near_one)


def _snapped(curve: Cumulative, wanted: Floats) -> Floats:
    """Return the wanted edges; of a sketch the next edges that it really has, where its counts are exact."""
    if not curve.sketched:
        return wanted
    at = np.searchsorted(curve.thresholds, wanted)
    return np.where(np.isfinite(curve.thresholds[at]), curve.thresholds[at], wanted)


def _curves(
    curve: Cumulative | None, mated: str, wanted: Sequence[tuple[str, Sequence[str], tuple[Figure, Figure]]]
) -> list[Curve]:
    if curve is None:
        return []
    drawn = ((name, det(curve, [mated], names), curve.n(names), rates) for name, names, rates in wanted)
    return [Curve(name, points, (n, curve.n([mated])), rates) for name, points, n, rates in drawn if points]
