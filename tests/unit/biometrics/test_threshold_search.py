"""The lowest threshold whose FMR is shown to keep its limit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.intervals import clopper_pearson_upper
from proofwatch.biometrics.threshold_search import propose_threshold
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

curves = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 60)), min_size=1, max_size=12)


@cases("threshold")
def test_the_proposal_is_the_published_one(case: Case) -> None:
    """0.85 has four false matches in 9,000, which is too many to show 0.1 %; 0.86 has three."""
    i = case.input
    found = propose_threshold(
        i["thresholds"],
        i["impostors_at_or_above"],
        i["genuines_below"],
        n_impostor=i["n_impostor"],
        n_genuine=i["n_genuine"],
        limit=i["limit"],
        confidence=i["confidence"],
    )
    case.holds({name: getattr(found, name) for name in case.expected})


@many_examples
@given(curves)
def test_it_is_the_lowest_that_holds(curve: list[tuple[int, int]]) -> None:
    """By plain search over every threshold; its FNMR is the lowest of all that hold."""
    passed = sorted((p for p, _ in curve), reverse=True)
    rejected = sorted(r for _, r in curve)
    thresholds = [i / 10 for i in range(len(curve))]
    found = propose_threshold(thresholds, passed, rejected, n_impostor=4_000, n_genuine=60, limit=0.005)
    holding = [i for i, p in enumerate(passed) if clopper_pearson_upper(p, 4_000) <= 0.005]
    if not holding:
        assert (found.threshold, found.fnmr, found.trials_needed) == (None, None, 598)
        return
    assert found.threshold == thresholds[holding[0]]
    assert found.fnmr == min(rejected[i] for i in holding) / 60


def test_too_few_impostors_show_nothing() -> None:
    """Not even without a false match; it says how many would."""
    found = propose_threshold([0.9], [0], [3], n_impostor=2_994, n_genuine=100, limit=0.001)
    assert (found.threshold, found.trials_needed) == (None, 2_995)
    assert propose_threshold([0.9], [0], [3], n_impostor=2_995, n_genuine=100, limit=0.001).threshold == 0.9
    assert propose_threshold([0.9], [0], [0], n_impostor=0, n_genuine=0, limit=0.001).threshold is None


def test_searching_costs_no_more_error_than_one_test() -> None:
    """600 searches over 60 thresholds: the true FMR of the chosen one exceeds the limit in at most about 5 %."""
    rng, wrong = np.random.default_rng(14), 0
    thresholds = np.linspace(0.9, 0.999, 60)
    for _ in range(600):
        scores = np.sort(rng.random(2_000))  # uniform impostors: the true FMR at t is 1 - t
        passed = [int(n) for n in len(scores) - np.searchsorted(scores, thresholds)]
        found = propose_threshold(
            list(thresholds), passed, [0] * 60, n_impostor=2_000, n_genuine=1, limit=0.02, confidence=0.95
        )
        wrong += found.threshold is not None and 1 - found.threshold > 0.02 + 1e-12
    assert wrong <= 42


@pytest.mark.parametrize(
    ("thresholds", "passed", "rejected", "says"),
    [
        ([0.1, 0.2], [1], [0, 0], "2 thresholds"),
        ([0.2, 0.1], [1, 1], [0, 0], "ascend"),
        ([0.1, 0.2], [1, 2], [0, 0], "impostors: counts must be monotone"),
        ([0.1, 0.2], [2, 1], [1, 0], "genuines: counts must be monotone"),
        ([0.1, 0.2], [11, 1], [0, 0], r"within 0\.\.10"),
    ],
)
def test_impossible_curves_are_refused(
    thresholds: list[float], passed: list[int], rejected: list[int], says: str
) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=says):
        propose_threshold(thresholds, passed, rejected, n_impostor=10, n_genuine=10, limit=0.01)
