"""Confidence limits that hold at all times at once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.betting import capital, confidence_sequence
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

observations = st.lists(st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0]), min_size=1, max_size=60)


@cases("betting")
def test_it_is_the_published_sequence(case: Case) -> None:
    """Limits and the capital against m at the stated places (the reference searches a grid of 1/1000)."""
    i = case.input
    x = [float(place in i["errors_at"]) for place in range(1, i["n"] + 1)]
    limits = confidence_sequence(x, i["at"], alpha=i["alpha"])
    against = capital(x, i["m"], alpha=i["alpha"])
    case.holds(
        {
            "cs": {str(place): list(found) for place, found in zip(i["at"], limits, strict=True)},
            "capital": {str(place): float(against[place - 1]) for place in i["at"]},
        }
    )


@many_examples
@given(observations)
def test_limits_hold_the_mean_turn_with_it_and_never_loosen(x: list[float]) -> None:
    """Within 0..1, mirrored when every observation is, each inside the one before."""
    found = confidence_sequence(x, range(1, len(x) + 1))
    mirrored = confidence_sequence([1 - v for v in x], [len(x)])[0]
    assert mirrored == pytest.approx((1 - found[-1].high, 1 - found[-1].low), abs=1e-6)
    for before, after in pairwise(found):
        assert before.low <= after.low <= 1
        assert 0 <= after.high <= before.high
    assert found[-1] == pytest.approx(confidence_sequence(x, [len(x)])[0], abs=1e-8)


def test_the_capital_falls_with_the_mean_that_is_bet_against() -> None:
    """What makes the limits roots."""
    x = [0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0] * 5
    against = [capital(x, m / 50)[-1] for m in range(1, 50)]
    assert against == sorted(against, reverse=True)


def test_all_times_together_keep_the_promise() -> None:
    """300 sequences of 400 trials at 3 %: the limits miss it at some time in at most 5 % of them."""
    rng = np.random.default_rng(9)
    missed = 0
    for _ in range(300):
        low, high = confidence_sequence([float(v) for v in rng.random(400) < 0.03], [400])[0]
        missed += not low <= 0.03 <= high
    assert missed <= 15


@pytest.mark.parametrize(("x", "at"), [([], [1]), ([0.5, 1.1], [1]), ([0.5], [2]), ([0.5, 0.5], [2, 1]), ([0.5], [0])])
def test_impossible_input_is_refused(x: list[float], at: list[int]) -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match=r"within 0|ascend within"):
        confidence_sequence(x, at)
    with pytest.raises(ValueError, match="strictly between"):
        capital([0.5], 1.0)
