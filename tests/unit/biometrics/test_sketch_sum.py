"""Sums of sketches on several edge sets: what is read off them holds what the scores themselves say."""

import random
from math import ceil

import pytest

from proofwatch.biometrics.edges import SCORE_GRID, TIME_GRID, edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.biometrics.sketch_sum import Between, SketchSum


def summed(parts: list[tuple[float, list[float]]]) -> SketchSum:
    """Return the sum of sketches, each with a threshold of its own."""
    total = SketchSum()
    for threshold, scores in parts:
        sketch = Sketch(edge_set((threshold,)))
        sketch.add_many(scores)
        total.add(*sketch.to_wire())
    return total


@pytest.mark.parametrize("seed", range(20))
def test_counts_below_any_threshold_lie_in_the_bounds(seed: int) -> None:
    """Whatever thresholds were in force, and wherever the one that is tried lies."""
    rng = random.Random(seed)
    parts = [(rng.random(), [rng.betavariate(8, 1) for _ in range(200)]) for _ in range(3)]
    total, scores = summed(parts), [score for _, some in parts for score in some]
    for threshold in [*(rng.random() for _ in range(50)), *(each for each, _ in parts), 0.0, 1.0]:
        low, high = total.count_below(threshold)
        assert low <= sum(score < threshold for score in scores) <= high


def test_a_threshold_that_changed_is_exact_in_the_part_that_has_it() -> None:
    """On common edges it would be lost."""
    total = summed([(0.8501, [0.8500, 0.8502]), (0.9003, [0.1, 0.95])])
    assert total.count_below(0.8501) == (2, 2)
    assert total.count_below(0.5) == (1, 1)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_lies_between_the_bounds(share: float) -> None:
    """The smallest value that at least this share do not exceed; the bounds are an eighth of a doubling apart."""
    rng = random.Random(3)
    for n in (1, 2, 19, 100, 1001):
        values = sorted(rng.lognormvariate(7, 1) for _ in range(n))
        sketch = Sketch(edge_set((), TIME_GRID))
        sketch.add_many(values)
        total = SketchSum()
        total.add(*sketch.to_wire())
        low, high = total.quantile(share)
        assert low is not None
        assert high is not None
        assert low <= values[ceil(share * n - 1e-9) - 1] < high <= low * 1.13


def test_of_nothing_no_quantile_is_known_and_the_last_bin_is_open() -> None:
    """None says so; no number is made up."""
    assert SketchSum().quantile(0.5) == Between(None, None)
    total = SketchSum()
    total.add(SCORE_GRID, (), {str(len(edge_set().edges) - 1): 3})
    assert total.quantile(0.5) == Between(1.0, None)


def test_a_part_that_is_taken_back_leaves_the_rest() -> None:
    """Counts only: what is left is what was never in it."""
    whole, part = summed([(0.5, [0.1, 0.6, 0.9])]), summed([(0.5, [0.6])])
    whole.add_sum(part, -1)
    assert (whole.total(), whole.count_below(0.5)) == (2, (1, 1))
