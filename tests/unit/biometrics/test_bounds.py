"""What is read off a sketch states bounds, and they hold the figure of the very scores: of any, and of real ones.

`real_scores.csv` is a sample of published scores: 280 comparisons of deepface (MIT), and presentations of gradgpad
2.1.0 (MIT; Costa-Pazo et al., IET Biometrics 2021), 400 bona fide and up to 60 of each of 17 species.
"""

import csv
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.evaluation import Evaluation, evaluate_counts, evaluate_scores
from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.sketch import Sketch, merged
from proofwatch.biometrics.trials import ClassCounts, RawClass, Thresholds, Trials, count_outcomes
from tests.unit.biometrics.samples import many_examples, some_scores, thresholds

IN_FORCE = Thresholds(0.85, 0.995)


def real_scores() -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    with Path(__file__).with_name("real_scores.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["class"], []).append(float(row["score"]))
    return found


def exact(scores: Mapping[str, Sequence[float]]) -> Evaluation:
    trials = Trials()
    trials.cells[None] = {name: RawClass(array("d", values)) for name, values in scores.items()}
    return evaluate_scores(trials, IN_FORCE.match, IN_FORCE.liveness, min_trials=2)


def sketched(scores: Mapping[str, Sequence[float]], extra: Sequence[float], parts: int = 1) -> Evaluation:
    """Evaluate from sketches, each merged from `parts` of which only the first knows the further edges."""
    counted = {}
    for name, values in scores.items():
        sketches = [Sketch(edge_set([*extra, 0.85, 0.995] if i == 0 else [0.85, 0.995])) for i in range(parts)]
        for i, sketch in enumerate(sketches):
            sketch.add_many(values[i::parts])
        counts = count_outcomes({name: RawClass(array("d", values))}, IN_FORCE)[name]
        counted[name] = ClassCounts(counts.passed, counts.failed, 0, merged(sketches))
    return evaluate_counts({None: counted}, IN_FORCE, min_trials=2)


def off_the_curves(evaluation: Evaluation) -> dict[str, Figure]:
    match, liveness = evaluation.match, evaluation.liveness
    assert match is not None
    assert liveness is not None
    return {
        "match eer": match.eer,
        "match auc": match.auc,
        **{f"fnmr at fmr {name}": figure for name, figure in match.fnmr_at_fmr.items()},
        "liveness eer": liveness.eer,
        "liveness auc": liveness.auc,
        "bpcer10": liveness.bpcer10,
        "bpcer20": liveness.bpcer20,
        "bpcer100": liveness.bpcer100,
    }


def assert_held(scores: Mapping[str, Sequence[float]], extra: Sequence[float], parts: int = 1) -> None:
    raw, coarse = off_the_curves(exact(scores)), off_the_curves(sketched(scores, extra, parts))
    for name, figure in coarse.items():
        true = raw[name]
        assert true.bounds is UNSET, "raw scores give the figure itself"
        if figure.value is None:
            assert true.value is None
            continue
        assert true.value is not None
        assert figure.bounds is not UNSET, name
        assert figure.bounds.low <= true.value <= figure.bounds.high, name
        assert figure.bounds.low <= figure.value <= figure.bounds.high, name


@many_examples
@given(some_scores, some_scores, some_scores, st.lists(some_scores, max_size=3), thresholds, st.integers(1, 3))
def test_bounds_hold_the_figure_of_any_scores(
    genuine: list[float],
    impostor: list[float],
    bona_fide: list[float],
    attacks: list[list[float]],
    extra: list[float],
    parts: int,
) -> None:
    """Ties, ends, few scores, merged sketches of different edges: low <= exact <= high, to the last digit."""
    scores = {"genuine": genuine, "impostor": impostor, "bona_fide": bona_fide}
    assert_held(scores | {f"attack:{i}": values for i, values in enumerate(attacks)}, extra, parts)


@pytest.mark.parametrize("parts", [1, 4])
@pytest.mark.parametrize("power", [1, 0.25, 0.01])
def test_bounds_hold_the_figure_of_real_scores(power: float, parts: int) -> None:
    """As published, and pressed against 1, where the grid of a sketch is finest and scores crowd."""
    scores = {name: [value**power for value in values] for name, values in real_scores().items()}
    assert_held(scores, [], parts)


def test_bounds_are_as_wide_as_a_bin_and_no_wider() -> None:
    """A bound of 0..1 would hold everything; with every score an edge of its own nothing is left open but ties."""
    coarse = off_the_curves(sketched(real_scores(), []))
    for name, figure in coarse.items():
        assert figure.bounds is not UNSET
        assert figure.bounds.high - figure.bounds.low < (0.35 if name.startswith("bpcer") else 0.04), name
    scores = {name: values for name, values in real_scores().items() if name in ("genuine", "impostor")}
    scores |= {"bona_fide": [0.5], "attack:a": [0.4, 0.4]}
    fine = off_the_curves(sketched(scores, [score for values in scores.values() for score in values]))
    bounds = fine["match eer"].bounds
    assert bounds is not UNSET
    assert bounds.high - bounds.low <= 1 / 140
