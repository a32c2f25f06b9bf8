"""Evaluations: structure, semantics, and one answer from raw scores and from sketches."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.curve_figures import operating_points, resolve_thresholds
from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.evaluation import Evaluation, evaluate_counts, evaluate_scores
from proofwatch.biometrics.figures import Status
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.trials import ClassCounts, Cohort, Thresholds, Trials, attack_class, cohorts_of
from tests.unit.biometrics.samples import many_examples, scores

CLASSES = ("genuine", "impostor", "bona_fide", attack_class("print"), attack_class("mask"), attack_class(None))
one_trial = st.tuples(st.sampled_from(CLASSES), st.none() | scores, st.sampled_from(["a", "b", None]))


def trials_of(rows: list[tuple[str, float | None, str | None]]) -> Trials:
    trials = Trials()
    for trial_class, score, split in rows:
        trials.add(trial_class, score, cohorts_of({"split": split}))
    return trials


def counted(trials: Trials, thresholds: Thresholds, extra: list[float]) -> dict[Cohort, dict[str, ClassCounts]]:
    """Count as a service would: outcome by outcome and into sketches, knowing nothing of the other scores."""
    edges = edge_set([thresholds.match, thresholds.liveness, *extra])
    cells: dict[Cohort, dict[str, ClassCounts]] = {}
    for cohort, classes in trials.cells.items():
        for name, raw in classes.items():
            threshold = thresholds.match if name in ("genuine", "impostor") else thresholds.liveness
            passed = sum(score >= threshold for score in raw.scores)
            sketch = Sketch(edges)
            sketch.add_many(raw.scores)
            counts = ClassCounts(passed, len(raw.scores) - passed, raw.missing, sketch)
            cells.setdefault(cohort, {})[name] = counts
    return cells


def k_and_n(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(node, dict):
        for key, child in node.items():
            yield from k_and_n(child, (*path, key))
    elif path[-1] in ("k", "n", "n_genuine", "n_impostor", "n_bona_fide", "n_attack", "worst_species", "status"):
        yield path, node


def figures(evaluation: Evaluation) -> dict[tuple[str, ...], Any]:
    return dict(k_and_n(msgspec.to_builtins(evaluation)))


@many_examples
@given(st.lists(one_trial, max_size=60), scores, scores)
def test_sketches_give_every_k_and_n_of_the_raw_scores(
    rows: list[tuple[str, float | None, str | None]], match: float, liveness: float
) -> None:
    """With the operating points as edges an evaluation from counts and sketches equals the offline one."""
    trials, thresholds, limits = trials_of(rows), Thresholds(match, liveness), Limits(0.001, 0.03, 0.005, 0.01)
    offline = evaluate_scores(trials, match, liveness, limits=limits, min_trials=3, segments=["split"])
    cells = counted(trials, thresholds, operating_points(trials, 3))
    online = evaluate_counts(cells, thresholds, limits=limits, min_trials=3, segments=["split"])
    assert figures(online) == figures(offline)


@many_examples
@given(st.lists(one_trial, max_size=60))
def test_without_operating_points_only_fixed_rate_figures_can_differ(
    rows: list[tuple[str, float | None, str | None]],
) -> None:
    """Whatever is counted at the thresholds in force is exact under any sketch."""
    trials = trials_of(rows)
    offline = figures(evaluate_scores(trials, 0.6, 0.4, segments=["split"]))
    online = figures(
        evaluate_counts(counted(trials, Thresholds(0.6, 0.4), []), Thresholds(0.6, 0.4), segments=["split"])
    )
    assert online.keys() == offline.keys()
    differing = {path for path in offline if offline[path] != online[path]}
    assert all("fnmr_at_fmr" in path or path[-2].startswith("bpcer1") or path[-2] == "bpcer20" for path in differing)


SMALL = trials_of(
    [
        ("genuine", 0.9, "dev"),
        ("genuine", 0.4, "dev"),
        ("genuine", None, None),
        ("impostor", 0.5, "dev"),
        ("impostor", 0.1, None),
        ("impostor", None, "dev"),
        ("bona_fide", 0.8, "dev"),
        ("bona_fide", None, "dev"),
        (attack_class("print"), 0.7, "dev"),
        (attack_class("print"), 0.2, "dev"),
        (attack_class(None), 0.9, "dev"),
    ]
)


def test_missing_scores_have_their_own_rates_and_are_in_no_error_rate() -> None:
    """A blank is a failure to acquire or a non-response, never a zero."""
    evaluation = evaluate_scores(SMALL, 0.5, 0.5, min_trials=2)
    match, liveness = evaluation.match, evaluation.liveness
    assert match is not None
    assert liveness is not None
    assert (match.n_genuine, match.n_impostor) == (2, 2)
    assert [(f.k, f.n) for f in (match.fta, match.fmr, match.fnmr)] == [(2, 6), (1, 2), (1, 2)]
    assert (liveness.n_bona_fide, liveness.n_attack) == (1, 3)
    assert [(f.k, f.n) for f in (liveness.bpcer, liveness.bpnrr, liveness.apnrr)] == [(0, 1), (1, 2), (0, 3)]
    assert (liveness.apcer.worst_species, liveness.apcer.k, liveness.apcer.n) == ("print", 1, 2)
    assert {name: (f.k, f.n) for name, f in liveness.apcer_by_species.items()} == {"print": (1, 2), "unknown": (1, 1)}


def test_a_score_at_the_threshold_is_accepted() -> None:
    """Accept when score >= threshold."""
    match = evaluate_scores(SMALL, 0.9, 0.5).match
    assert match is not None
    assert (match.fmr.k, match.fnmr.k) == (0, 1)


def test_segments_come_in_the_order_asked_with_sorted_values_and_blanks_as_unlabelled() -> None:
    """Each value is evaluated by itself; null where it has no trial of that kind."""
    segments = evaluate_scores(SMALL, 0.5, 0.5, segments=["split", "sex"]).segments
    assert list(segments) == ["split", "sex"]
    assert list(segments["split"]) == ["dev", "unlabelled"]
    assert segments["sex"] == {}
    assert segments["split"]["unlabelled"].liveness is None
    unlabelled = segments["split"]["unlabelled"].match
    assert unlabelled is not None
    assert (unlabelled.fta.k, unlabelled.fta.n) == (1, 2)


def test_the_fields_come_in_the_documented_order() -> None:
    """Readers and diffs rely on it."""
    match, liveness = evaluate_scores(SMALL, 0.5, 0.5).match, evaluate_scores(SMALL, 0.5, 0.5).liveness
    names = "threshold n_genuine n_impostor fta fmr fnmr far frr hter eer auc fnmr_at_fmr"
    assert list(msgspec.to_builtins(match)) == names.split()
    names = (
        "threshold n_bona_fide n_attack apcer apcer_pooled apcer_by_species bpcer apnrr bpnrr eer auc"
        " bpcer10 bpcer20 bpcer100"
    )
    assert list(msgspec.to_builtins(liveness)) == names.split()
    assert match is not None
    assert list(match.fnmr_at_fmr) == ["0.001", "0.01", "0.1"]
    assert list(msgspec.to_builtins(liveness)["apcer"])[-1] == "worst_species"


def test_what_was_not_measured_is_null() -> None:
    """A file without liveness labels has no liveness figures, not zeros."""
    trials = Trials()
    trials.add("genuine", 0.9)
    evaluation = evaluate_scores(trials, 0.5, "eer")
    assert evaluation.liveness is None
    match = evaluation.match
    assert match is not None
    assert (match.eer.value, match.auc.value, match.fnmr_at_fmr["0.01"].value) == (None, None, None)


def test_bpcer_at_fixed_apcer_holds_every_headline_species() -> None:
    """One species that is hard to detect sets the threshold, however many easy attacks there are."""
    rows: list[tuple[str, float | None, str | None]] = [(attack_class("easy"), 0.1, None)] * 1000
    rows += [(attack_class("hard"), 0.7, None)] * 30 + [(attack_class("rare"), 0.95, None)] * 29
    rows += [("bona_fide", 0.6, None)] * 4 + [("bona_fide", 0.9, None)] * 6
    liveness = evaluate_scores(trials_of(rows), 0.5, 0.5).liveness
    assert liveness is not None
    assert (liveness.bpcer10.k, liveness.bpcer10.n) == (4, 10)


def test_bpcer_at_fixed_apcer_is_null_without_a_headline_species() -> None:
    """It would hold an APCER that does not exist."""
    rows: list[tuple[str, float | None, str | None]] = [(attack_class(None), 0.1, None), ("bona_fide", 0.9, None)]
    liveness = evaluate_scores(trials_of(rows * 50), 0.5, 0.5).liveness
    assert liveness is not None
    assert (liveness.bpcer10.value, liveness.apcer.value, liveness.eer.value) == (None, None, 0.0)


def test_limits_give_statuses() -> None:
    """Only figures with a limit have one."""
    match = evaluate_scores(SMALL, 0.5, 0.5, limits=Limits(fmr=0.001)).match
    assert match is not None
    assert (match.fmr.status, match.fnmr.status) == (Status.BREACH, None)


def test_eer_as_a_threshold_is_the_equal_error_point_of_all_scores() -> None:
    """Segments are counted at that same threshold."""
    evaluation = evaluate_scores(SMALL, "eer", "eer", segments=["split"])
    assert evaluation.match is not None
    assert evaluation.match.threshold == 0.5
    dev = evaluation.segments["split"]["dev"].match
    assert dev is not None
    assert dev.threshold == 0.5


@pytest.mark.parametrize("present", ["genuine", "impostor"])
def test_eer_as_a_threshold_needs_both_sides(present: str) -> None:
    """An equal error point of one side does not exist."""
    trials = Trials()
    trials.add(present, 0.5)
    with pytest.raises(ValueError, match="match threshold eer: needs genuine and impostor"):
        resolve_thresholds(trials, "eer", 0.5)


def test_counts_without_sketches_have_rates_and_no_curves() -> None:
    """Rates need no scores at all."""
    cells: dict[Cohort, dict[str, ClassCounts]] = {
        None: {"genuine": ClassCounts(9, 1, 0, None), "impostor": ClassCounts(1, 9, 0, None)}
    }
    match = evaluate_counts(cells, Thresholds(0.5, 0.5)).match
    assert match is not None
    assert (match.fmr.value, match.fnmr.value, match.eer.value) == (0.1, 0.1, None)


def test_scores_that_are_not_the_counted_trials_are_refused() -> None:
    """Rates and curves of different trials in one report would mislead."""
    sketch = Sketch(edge_set())
    sketch.add(0.5)
    with pytest.raises(ValueError, match="genuine: 1 scores for 2 outcomes"):
        evaluate_counts({None: {"genuine": ClassCounts(2, 0, 0, sketch)}}, Thresholds(0.5, 0.5))


def test_a_blank_value_is_no_member_of_a_segment_and_unknown_no_species_of_a_value() -> None:
    """Both are mixtures: listed, never the worst, however high their rate."""
    rows: list[tuple[str, float | None, str | None]] = [("genuine", 0.1, None)] * 50 + [("genuine", 0.9, "a")] * 200
    rows += [(attack_class(None), 0.9, "a")] * 50 + [(attack_class("mask"), 0.1, "a")] * 700
    found = evaluate_scores(trials_of(rows), 0.5, 0.5, limits=Limits(fnmr=0.03, apcer=0.005), segments=["split"])
    worst = found.worst_segments["split"]
    assert (worst["fnmr"].worst_value, worst["fnmr"].status) == ("a", Status.INSUFFICIENT)
    assert [m.name for m in worst["fnmr"].because] == ["unlabelled"]
    assert (worst["apcer"].worst_value, [m.name for m in worst["apcer"].because]) == ("a: mask", ["a: unknown"])
