"""What the report draws of error rates is what was counted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.evaluation import evaluate_counts
from proofwatch.biometrics.intervals import wilson
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts, Classes, Cohort, Thresholds
from services.standalone.report.data import (
    liveness_curves,
    liveness_distribution,
    match_curves,
    match_distribution,
    segment_figures,
)


def counted(scores: Sequence[float], threshold: float, *, sketched: bool = True) -> ClassCounts:
    passed = sum(score >= threshold for score in scores)
    sketch = Sketch(edge_set([threshold]))
    sketch.add_many(scores)
    kept = sketch if sketched else np.array(scores)
    return ClassCounts(passed, len(scores) - passed, 0, kept)


def liveness(threshold: float, bona_fide: Sequence[float], **attacks: Sequence[float]) -> dict[str, ClassCounts]:
    classes = {"bona_fide": counted(bona_fide, threshold)}
    return classes | {f"attack:{name}": counted(scores, threshold) for name, scores in attacks.items()}


@pytest.mark.parametrize("sketched", [True, False], ids=["sketch", "raw scores"])
def test_a_distribution_counts_every_score_in_its_bin(sketched: bool) -> None:
    """Bins hold edges[i] <= score < edges[i + 1], the last one 1.0 too; sketches and raw scores agree."""
    genuine, impostor = [0.5, 0.515, 0.9, 1.0, 1.0], [0.0, 0.01, 0.5]
    classes = {
        "genuine": counted(genuine, 0.85, sketched=sketched),
        "impostor": counted(impostor, 0.85, sketched=sketched),
    }
    found = match_distribution(classes, 0.85)
    assert found is not None
    assert found.edges.tolist() == np.linspace(0, 1, 65).tolist()
    for side, scores in (("genuine", genuine), ("impostor", impostor)):
        assert found.counts[side].tolist() == np.histogram(scores, found.edges)[0].tolist()
        assert found.shares(side).sum() == pytest.approx(1.0)


def test_bins_get_finer_towards_one_when_the_threshold_lies_there() -> None:
    """At 0.995 everything that matters would fall into the last of 64 equal bins."""
    scores = [0.2, 0.99, 0.9951, 0.9989, 0.9999]
    found = liveness_distribution(liveness(0.995, scores, mask=[0.1, 0.9]), 0.995)
    assert found is not None
    assert found.near_one
    assert found.counts["bona fide"].sum() == len(scores)
    assert found.counts["bona fide"].max() == 1, "five scores that matter differently, in five bins"
    assert found.counts["bona fide"].tolist() == np.histogram(scores, found.edges)[0].tolist()


def test_scores_outside_zero_to_one_widen_the_bins() -> None:
    """Raw scores may have any range; none is lost."""
    classes = {name: counted([-3.0, 0.5, 12.0], 2.0, sketched=False) for name in ("genuine", "impostor")}
    found = match_distribution(classes, 2.0)
    assert found is not None
    assert found.edges[0] == -3.0
    assert found.counts["genuine"].sum() == 3


def test_no_scores_give_no_distribution() -> None:
    """A class of nothing but missing scores cannot be drawn."""
    assert match_distribution({}, 0.85) is None
    assert match_distribution({"genuine": ClassCounts(0, 0, 4, None)}, 0.85) is None


def test_the_operating_point_of_a_curve_is_the_reported_figure_and_lies_on_it() -> None:
    """FMR and FNMR at the threshold in force are one of the curve's points."""
    classes: Classes = {
        "genuine": counted([0.4, 0.7, 0.9, 0.95], 0.6),
        "impostor": counted([0.1, 0.3, 0.65], 0.6),
    }
    evaluation = evaluate_counts({None: classes}, Thresholds(0.6, 0.995))
    (curve,) = match_curves(classes, evaluation)
    assert [figure.value for figure in curve.operating] == [1 / 3, 1 / 4]
    points = zip(curve.points.accepted_non_mated, curve.points.rejected_mated, strict=True)
    assert (1 / 3, 1 / 4) in set(points)


def test_the_worst_species_has_a_curve_of_its_own() -> None:
    """APCER belongs to one species, so a pooled curve alone would flatter the system."""
    classes = liveness(0.5, [0.4, 0.9, 0.95], mask=[0.1, 0.6] * 20, print=[0.1] * 60)
    evaluation = evaluate_counts({None: classes}, Thresholds(0.85, 0.5))
    worst, pooled = liveness_curves(classes, evaluation)
    assert (worst.name, worst.operating[0].value) == ("worst species: mask", 0.5)
    assert (pooled.name, pooled.operating[0].value) == ("all attacks", 0.2)


def test_one_sided_scores_have_no_curve() -> None:
    """Only genuine comparisons: there is no trade-off to draw."""
    classes: Classes = {"genuine": counted([0.9], 0.85)}
    assert match_curves(classes, evaluate_counts({None: classes}, Thresholds(0.85, 0.995))) == []


def test_segments_show_only_what_has_trials() -> None:
    """A value without genuine comparisons has no FNMR; a metric that no value has is left out."""
    cells: dict[Cohort, Classes] = {
        ("sex", "female"): liveness(0.5, [0.4, 0.9]),
        ("sex", "male"): liveness(0.5, [], mask=[0.1]),
    }
    evaluation = evaluate_counts(cells, Thresholds(0.85, 0.5), segments=["sex"])
    found = segment_figures(evaluation.segments["sex"])
    assert {metric: {value: (f.k, f.n) for value, f in figures.items()} for metric, figures in found.items()} == {
        "BPCER": {"female": (1, 2)}
    }


def test_the_band_of_a_curve_is_of_the_counts_at_each_threshold() -> None:
    """Both corners are Wilson's 97.5 % bounds of the errors and trials there, and the curve runs between them."""
    classes: Classes = {
        "genuine": counted([n / 200 for n in range(60, 200)], 0.5),
        "impostor": counted([n / 200 for n in range(90)], 0.5),
    }
    (curve,) = match_curves(classes, evaluate_counts({None: classes}, Thresholds(0.5, 0.5)))
    assert curve.trials == (90, 140)
    x, y = curve.thinned()
    lower, upper = curve.band()
    assert (lower[:, 0] <= x).all()
    assert (x <= upper[:, 0]).all()
    assert (lower[:, 1] <= y).all()
    assert (y <= upper[:, 1]).all()
    at = len(x) // 2
    assert (lower[at, 0], upper[at, 0]) == wilson(round(x[at] * 90), 90, 0.975)
    assert (lower[at, 1], upper[at, 1]) == wilson(round(y[at] * 140), 140, 0.975)


def test_a_curve_of_many_scores_is_drawn_by_as_many_points_as_can_be_told_apart() -> None:
    """A file of millions of scores gives a page of the same size; both ends stay."""
    random = np.random.default_rng(3)
    classes: Classes = {
        "genuine": counted(list(random.beta(6, 2, 20_000)), 0.5),
        "impostor": counted(list(random.beta(2, 6, 20_000)), 0.5),
    }
    raw = {
        name: replace(each, scores=np.linspace(0, 1, each.n) ** (1.5 + (name == "impostor")))
        for name, each in classes.items()
    }
    (curve,) = match_curves(raw, evaluate_counts({None: raw}, Thresholds(0.5, 0.5)))
    x, y = curve.thinned()
    assert len(x) < 1500 < len(curve.points.thresholds)
    assert (x[0], y[0], x[-1], y[-1]) == (1, 0, 0, 1)
