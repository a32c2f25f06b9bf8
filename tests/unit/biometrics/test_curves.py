"""Curves against brute force, and sketched curves against raw ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.curves import Cumulative, at_fixed_rate, auc, cumulate, det, eer
from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from tests.unit.biometrics.samples import any_scores, many_examples, some_scores, thresholds


def raw(**classes: list[float]) -> Cumulative:
    return cumulate({name: np.array(values, dtype=np.float64) for name, values in classes.items()})


def sketched(extra: list[float], **classes: list[float]) -> Cumulative:
    sketches = {}
    for name, values in classes.items():
        sketches[name] = Sketch(edge_set(extra))
        sketches[name].add_many(values)
    return cumulate(sketches)


def reference_eer(mated: list[float], non_mated: list[float]) -> tuple[float, int]:
    """Return (EER, index of its candidate) by the definition, in plain Python and one candidate at a time."""
    candidates = [*sorted({*mated, *non_mated}), float("inf")]
    fmr = [sum(s >= t for s in non_mated) / len(non_mated) for t in candidates]
    fnmr = [sum(s < t for s in mated) / len(mated) for t in candidates]
    t2 = next(i for i in range(len(candidates)) if fmr[i] <= fnmr[i])
    if sum(s >= candidates[t2] for s in non_mated) * len(mated) == sum(s < candidates[t2] for s in mated) * len(
        non_mated
    ):
        return fmr[t2], t2
    best = t2 - 1 if fmr[t2 - 1] + fnmr[t2 - 1] <= fmr[t2] + fnmr[t2] + 1e-12 else t2
    return (fmr[best] + fnmr[best]) / 2, best


@many_examples
@given(some_scores, some_scores)
def test_eer_is_the_fvc_definition(mated: list[float], non_mated: list[float]) -> None:
    """Where FMR = FNMR, exactly that; else the lowest crossing candidate or the one before, by the sum of rates."""
    value, index = reference_eer(mated, non_mated)
    curve = raw(m=mated, i=non_mated)
    point = eer(curve, ["m"], ["i"])
    assert point is not None
    assert point.value == pytest.approx(value)
    assert point.threshold == curve.thresholds[index]
    assert (point.low, point.high, point.resolution) == (point.value, point.value, None)


@pytest.mark.parametrize(
    ("mated", "non_mated", "value", "threshold"),
    [
        ([0.8, 0.9], [0.1, 0.2], 0.0, 0.8),  # separable: the lowest score that accepts no impostor
        ([0.1, 0.2], [0.8, 0.9], 1.0, 0.8),  # upside down: at 0.8 everything is wrong on both sides
        ([0.5], [0.5], 0.5, 0.5),  # indistinguishable: a tie, so t1
        ([0.2, 0.6, 0.8, 0.9], [0.1, 0.3, 0.4, 0.7], 0.25, 0.6),
        ([-3.0, 12.5], [-7.0, -3.5], 0.0, -3.0),  # any real range
        # FMR = FNMR = 2/5 at 0.6, though FMR + FNMR is smaller one score below
        ([0.5, 0.55, 0.7, 0.8, 0.85], [0.2, 0.3, 0.5, 0.6, 0.9], 0.4, 0.6),
        ([0.1, 0.9, 0.9, 0.9], [0.1, 0.95], 0.375, 0.9),  # never equal: the mean at the smaller sum
    ],
)
def test_eer_of_small_known_samples(mated: list[float], non_mated: list[float], value: float, threshold: float) -> None:
    """Worked by hand."""
    point = eer(raw(m=mated, i=non_mated), ["m"], ["i"])
    assert point is not None
    assert (point.value, point.threshold) == (value, threshold)


def test_a_sketch_knows_an_exact_eer_at_an_edge() -> None:
    """Where the rates are equal at an edge there is nothing to bracket: low, value and high are one."""
    mated, non_mated = [0.5, 0.55, 0.7, 0.8, 0.85], [0.2, 0.3, 0.5, 0.6, 0.9]
    point = eer(sketched([0.6], m=mated, i=non_mated), ["m"], ["i"])
    assert point is not None
    assert (point.low, point.value, point.high) == (0.4, 0.4, 0.4)


@many_examples
@given(some_scores, some_scores)
def test_auc_counts_every_pair_and_ties_half(mated: list[float], non_mated: list[float]) -> None:
    """Equal to comparing each mated score with each non-mated one."""
    pairs = sum((m > i) + (m == i) / 2 for m in mated for i in non_mated)
    area = auc(raw(m=mated, i=non_mated), ["m"], ["i"])
    assert area is not None
    assert area.value == pytest.approx(pairs / (len(mated) * len(non_mated)))
    assert area.resolution is None


@many_examples
@given(some_scores, some_scores, thresholds)
def test_a_sketched_curve_brackets_the_raw_one(mated: list[float], non_mated: list[float], extra: list[float]) -> None:
    """EER and AUC of the raw scores lie within what the sketched ones state."""
    exact, coarse = raw(m=mated, i=non_mated), sketched(extra, m=mated, i=non_mated)
    raw_eer, eer_ = eer(exact, ["m"], ["i"]), eer(coarse, ["m"], ["i"])
    assert raw_eer is not None
    assert eer_ is not None
    assert eer_.low - 1e-12 <= raw_eer.value <= eer_.high + 1e-12
    assert eer_.low - 1e-12 <= eer_.value <= eer_.high + 1e-12
    assert eer_.resolution is not None
    assert 0 <= eer_.resolution <= 1 / 512
    raw_auc, auc_ = auc(exact, ["m"], ["i"]), auc(coarse, ["m"], ["i"])
    assert raw_auc is not None
    assert auc_ is not None
    assert auc_.resolution is not None
    assert abs(raw_auc.value - auc_.value) <= auc_.resolution + 1e-12


@many_examples
@given(some_scores, some_scores)
def test_with_every_score_an_edge_a_sketched_curve_is_the_raw_one(mated: list[float], non_mated: list[float]) -> None:
    """Nothing but bin width separates the two."""
    exact, fine = raw(m=mated, i=non_mated), sketched([*mated, *non_mated], m=mated, i=non_mated)
    raw_eer, eer_ = eer(exact, ["m"], ["i"]), eer(fine, ["m"], ["i"])
    assert raw_eer is not None
    assert eer_ is not None
    assert eer_.value == pytest.approx(raw_eer.value)


@many_examples
@given(some_scores, some_scores, some_scores, st.sampled_from([0.001, 0.05, 0.1, 0.5]))
def test_rate_at_fixed_rate_takes_the_lowest_threshold_that_holds_for_every_group(
    mated: list[float], print_: list[float], mask: list[float], maximum: float
) -> None:
    """Each species is held at the maximum by itself, not on average."""
    point = at_fixed_rate(raw(b=mated, p=print_, m=mask), ["b"], [["p"], ["m"]], maximum)
    candidates = [*sorted({*mated, *print_, *mask}), float("inf")]
    lowest = next(t for t in candidates if all(sum(s >= t for s in g) / len(g) <= maximum for g in (print_, mask)))
    assert point is not None
    assert (point.k, point.n) == (sum(s < lowest for s in mated), len(mated))
    assert point.threshold == lowest or lowest == float("inf")


@many_examples
@given(some_scores, some_scores, st.sampled_from([0.001, 0.05, 0.1, 0.5]))
def test_a_sketched_rate_at_fixed_rate_is_never_too_good_and_exact_at_an_edge(
    mated: list[float], non_mated: list[float], maximum: float
) -> None:
    """Without the threshold as an edge it rejects as many or more; with it, exactly as many."""
    exact = at_fixed_rate(raw(m=mated, i=non_mated), ["m"], [["i"]], maximum)
    assert exact is not None
    coarse = at_fixed_rate(sketched([], m=mated, i=non_mated), ["m"], [["i"]], maximum)
    at_edge = at_fixed_rate(sketched([exact.threshold], m=mated, i=non_mated), ["m"], [["i"]], maximum)
    assert coarse is not None
    assert at_edge is not None
    assert coarse.k >= exact.k
    assert coarse.k == sum(s < coarse.threshold for s in mated)
    assert (at_edge.k, at_edge.n) == (exact.k, exact.n)


@many_examples
@given(some_scores, some_scores)
def test_det_curve_has_each_pair_of_rates_once(mated: list[float], non_mated: list[float]) -> None:
    """From accepting everything to accepting nothing, with no point repeated."""
    curve = det(raw(m=mated, i=non_mated), ["m"], ["i"])
    assert curve is not None
    points = list(zip(curve.accepted_non_mated.tolist(), curve.rejected_mated.tolist(), strict=True))
    assert (points[0], points[-1]) == ((1.0, 0.0), (0.0, 1.0))
    assert len(set(points)) == len(points)
    expected = [
        (sum(s >= t for s in non_mated) / len(non_mated), sum(s < t for s in mated) / len(mated))
        for t in curve.thresholds
    ]
    assert np.array(points) == pytest.approx(np.array(expected))


@given(any_scores)
@many_examples
def test_a_curve_with_one_side_says_nothing(values: list[float]) -> None:
    """No EER, AUC or DET without scores of both sides, from either source."""
    for curve in (raw(m=values, i=[]), sketched([], m=values, i=[]), raw(m=[], i=values)):
        assert eer(curve, ["m"], ["i"]) is None
        assert auc(curve, ["m"], ["i"]) is None
        assert det(curve, ["m"], ["i"]) is None
        assert at_fixed_rate(curve, ["m"], [["i"]], 0.1) is None


def test_a_difference_is_not_taken_for_a_state() -> None:
    """Negative counts mean that a restatement is incomplete; figures of it would be wrong in silence."""
    difference = Sketch(edge_set())
    difference.add(0.5, -1)
    with pytest.raises(ValueError, match="negative counts"):
        cumulate({"m": difference})


def test_raw_scores_and_sketches_do_not_mix() -> None:
    """One curve has one kind of source."""
    with pytest.raises(ValueError, match="cannot share"):
        cumulate({"m": Sketch(edge_set()), "i": np.array([0.5])})
