"""Sketches: exact merges, exact counts at edges, stable wire form."""

import math
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.edges import GRIDS, SCORE_GRID, TIME_GRID, edge_set
from proofwatch.biometrics.sketch import Sketch, merged
from tests.unit.biometrics.samples import any_scores, many_examples, thresholds


def sketch_of(values: list[float], extra: list[float] | None = None) -> Sketch:
    sketch = Sketch(edge_set(extra or []))
    sketch.add_many(values)
    return sketch


sketches = st.builds(sketch_of, any_scores, thresholds)


@many_examples
@given(any_scores, thresholds)
def test_counts_at_thresholds_in_force_are_exact(values: list[float], extra: list[float]) -> None:
    """At every edge, added or of the base grid, the sketch knows exactly how many scores are below."""
    sketch = sketch_of(values, extra)
    for edge in (*extra, 0.0, 0.5, 0.8515625, 1.0):
        below = sum(v < edge for v in values)
        assert sketch.count_below(edge) == (below, below)
    assert sketch.total() == len(values)


@many_examples
@given(any_scores, st.floats(-0.5, 1.5))
def test_counts_off_the_edges_come_as_bounds(values: list[float], threshold: float) -> None:
    """A threshold inside a bin is answered with bounds that hold the truth."""
    low, high = sketch_of(values).count_below(threshold)
    assert low <= sum(v < threshold for v in values) <= high


@many_examples
@given(sketches, sketches, sketches)
def test_merging_is_associative_and_commutative(a: Sketch, b: Sketch, c: Sketch) -> None:
    """Whatever the order and the edge sets, the same sketch results."""
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c)) == merged([c, a, b])


@many_examples
@given(any_scores, any_scores, thresholds, thresholds)
def test_a_merge_counts_what_one_sketch_would_have_counted(
    a: list[float], b: list[float], extra_a: list[float], extra_b: list[float]
) -> None:
    """Merged sketches equal one of all scores on the common edges."""
    common = [t for t in extra_a if t in extra_b]
    assert sketch_of(a, extra_a).merge(sketch_of(b, extra_b)) == sketch_of(a + b, common)


@many_examples
@given(any_scores, any_scores, thresholds)
def test_subtracting_takes_back_what_was_added(a: list[float], b: list[float], extra: list[float]) -> None:
    """A restatement leaves no trace of what it replaced, not even an empty bin."""
    assert sketch_of(a + b, extra).subtract(sketch_of(b, extra)) == sketch_of(a, extra)
    single = sketch_of(a, extra)
    for score in b:
        single.add(score)
    for score in b:
        single.add(score, -1)
    assert single == sketch_of(a, extra)


def test_values_outside_the_grid_stay_outside_in_a_merge() -> None:
    """A score below the first edge or above the last one is still there, on its side, on coarser edges."""
    merge = sketch_of([-0.5, 0.25, 7.0], [0.3]).merge(sketch_of([-2.0]))
    assert merge.counts == {-1: 2, 128: 1, 768: 1}
    assert merge.count_below(0.0) == (2, 2)


def test_merging_leaves_its_parts_alone() -> None:
    """A window's sketch can be merged again and again."""
    a, b = sketch_of([0.1], [0.3]), sketch_of([0.2])
    whole = merged([a])
    whole.add(0.9)
    a.merge(b)
    assert (a.total(), b.total(), a.edge_set.thresholds) == (1, 1, (0.3,))


@many_examples
@given(sketches)
def test_the_wire_form_round_trips(sketch: Sketch) -> None:
    """What was sent is what arrives."""
    assert Sketch.from_wire(*sketch.to_wire()) == sketch


def test_the_wire_form_is_sparse_and_its_indices_never_move() -> None:
    """Bins are indices into a grid that is fixed by its name: these numbers are stored in windows for years."""
    grid, extra, bins = sketch_of([0.0, 0.85, 0.9951, 1.0], [0.85]).to_wire()
    assert (grid, extra) == ("score-v1", (0.85,))
    assert bins == {"0": 1, "436": 1, "728": 1, "769": 1}


@pytest.mark.parametrize(
    ("grid", "bins", "message"),
    [("score-v0", {"3": 1}, "unknown sketch grid"), ("score-v1", {"769": 1}, "bins -1..768, got 769..769")],
)
def test_a_sketch_that_cannot_be_placed_is_refused(grid: str, bins: dict[str, int], message: str) -> None:
    """An unknown grid or bin would put its counts at other scores."""
    with pytest.raises(ValueError, match=message):
        Sketch.from_wire(grid, [], bins)


def test_scores_and_durations_do_not_merge() -> None:
    """Their grids have edges in common, but not their meaning."""
    with pytest.raises(ValueError, match="cannot be merged"):
        Sketch(edge_set()).merge(Sketch(edge_set(grid=TIME_GRID)))


def test_a_sketch_is_never_refined() -> None:
    """Counts cannot be placed on edges that they were not counted on."""
    with pytest.raises(ValueError, match="cannot be refined"):
        sketch_of([0.5]).on(edge_set([0.4116279]))


def test_the_same_thresholds_give_the_same_edge_set() -> None:
    """Order, repeats and thresholds that the grid has anyway make no difference."""
    assert edge_set([0.9, 0.85, 0.9, 0.5]) is edge_set([0.85, 0.9])
    assert edge_set([0.5]).edge_set_id == SCORE_GRID
    assert len({edge_set(t).edge_set_id for t in ([], [0.85], [0.9], [0.85, 0.9])}) == 4


def test_a_threshold_that_is_no_number_is_refused() -> None:
    """An edge at NaN would make every bisection meaningless."""
    with pytest.raises(ValueError, match="finite"):
        edge_set([math.nan])


def test_the_score_grid_is_finest_where_good_systems_score() -> None:
    """Steps never exceed 1/512, and near 1 they follow the distance to 1."""
    grid = GRIDS[SCORE_GRID]
    steps = [(low, high - low) for low, high in pairwise(grid)]
    assert (grid[0], grid[-1], len(grid)) == (0.0, 1.0, 769)
    assert all(0 < step <= 1 / 512 for _, step in steps)
    assert all(step <= (1 - low) / 64 for low, step in steps if 7 / 8 <= low < 63 / 64)
    assert sum(low >= 0.995 for low, _ in steps) >= 40


def test_the_time_grid_grows_by_an_eighth() -> None:
    """A percentile of durations is known to 12.5 % from 1 ms to hours."""
    grid = GRIDS[TIME_GRID]
    assert grid[:2] == (0.0, 1.0)
    assert all(1 < high / low <= 1.125 for low, high in pairwise(grid[1:]))
    assert grid[-1] > 4 * 3600 * 1000


def test_filling_sketches_needs_neither_numpy_nor_scipy() -> None:
    """The services that only count are installed without them."""
    code = "import sys, proofwatch.biometrics.sketch as s; sys.exit('numpy' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
