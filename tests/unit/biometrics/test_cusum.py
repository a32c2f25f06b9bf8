"""A CUSUM chart is one number, moved by each window as the published formula says."""

from itertools import pairwise
from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.biometrics.cusum import first_alarm, head_start, path, poisson_step, step, weights
from tests.unit.biometrics.samples import many_examples
from tests.unit.biometrics.vectors import Case, cases

windows = st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, min(n, 20)), st.just(n)))
states = st.floats(0, 20)
rates = st.floats(0.001, 0.3)
ratios = st.sampled_from([0.25, 0.5, 2.0, 3.0])


@cases("cusum")
def test_the_path_is_the_published_one(case: Case) -> None:
    """Weights, every state of an uncapped chart and the first alarm."""
    i = case.input
    w = weights(i["p0"], i["odds_ratio"])
    states = path(i["windows"], p0=i["p0"], odds_ratio=i["odds_ratio"])
    case.holds(
        {
            "weight_failure": w.failure,
            "weight_success": w.success,
            "path": states,
            "first_alarm_window": first_alarm(states, i["h"]),
        }
    )


@many_examples
@given(states, windows, rates, ratios)
def test_a_window_moves_by_its_log_likelihood_ratio(s: float, window: tuple[int, int], p0: float, r: float) -> None:
    """Odds R times as high give the rate p1; the move is the log ratio of both likelihoods, never below 0."""
    k, n = window
    p1 = p0 * r / (1 + p0 * (r - 1))
    moved = s + k * log(p1 / p0) + (n - k) * log((1 - p1) / (1 - p0))
    assert step(s, k, n, p0=p0, odds_ratio=r) == pytest.approx(max(0.0, moved), abs=1e-9)


@many_examples
@given(states, st.lists(windows, max_size=8), rates, ratios)
def test_merged_windows_are_never_above_their_parts(
    s: float, parts: list[tuple[int, int]], p0: float, r: float
) -> None:
    """The zero is applied once a window; without one in between the states are equal, whatever the order."""
    k, n = sum(k for k, _ in parts), sum(n for _, n in parts)
    merged = step(s, k, n, p0=p0, odds_ratio=r)
    apart = [s, *path(parts, p0=p0, odds_ratio=r, start=s)]
    assert merged <= apart[-1] + 1e-9
    if all(state > 0 for state in apart):
        assert merged == pytest.approx(apart[-1], abs=1e-9)


@many_examples
@given(states, windows, rates, ratios)
def test_more_failures_move_up_a_chart_for_rises_and_down_one_for_falls(
    s: float, window: tuple[int, int], p0: float, r: float
) -> None:
    """Monotone in the failures and in the state before."""
    k, n = window
    if k == n:
        return
    fewer, more = (step(s, count, n, p0=p0, odds_ratio=r) for count in (k, k + 1))
    assert more >= fewer if r > 1 else more <= fewer
    assert step(s + 1, k, n, p0=p0, odds_ratio=r) >= fewer


def test_a_capped_chart_comes_down_at_once() -> None:
    """After an hour of outage an uncapped chart stays above its limit for hours; a capped one does not."""
    outage, calm = [(50, 100)] * 12, [(1, 100)] * 24
    capped = path(outage + calm, p0=0.01, odds_ratio=2, cap=15)
    assert max(capped) == capped[11] == 15
    assert capped[12] < 15
    assert min(path(outage + calm, p0=0.01, odds_ratio=2)[11:]) > 15


def test_a_chart_for_falls_sees_rejections_stop() -> None:
    """2,000 trials without any of the 20 failures that are usual."""
    falling = path([(0, 100)] * 20, p0=0.01, odds_ratio=0.5)
    assert all(one < other for one, other in pairwise(falling))
    assert falling[-1] == pytest.approx(2000 * 0.005, rel=0.01)


def test_head_start_is_half_the_limit_and_first_alarm_counts_from_one() -> None:
    """Lucas and Crosier's start; the limit itself is an alarm."""
    assert head_start(15.0) == 7.5
    assert (first_alarm([1.0, 5.0], 5.0), first_alarm([1.0, 4.9], 5.0), first_alarm([], 5.0)) == (2, None, None)


@given(states, st.integers(0, 50), st.floats(0, 50))
def test_the_poisson_chart_is_the_limit_of_the_bernoulli_one(s: float, k: int, expected: float) -> None:
    """Many trials of a tiny rate: odds ratio and rate ratio are the same."""
    n = 10**9
    if expected < 1e-3:
        return
    bernoulli = step(s, k, n, p0=expected / n, odds_ratio=2.0)
    assert poisson_step(s, k, expected, ratio=2.0) == pytest.approx(bernoulli, abs=1e-5)
    assert poisson_step(s, k, expected, ratio=2.0, cap=3.0) <= 3.0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"k": 3, "n": 2}, "0 <= failures <= trials"),
        ({"state": -0.1}, "finite number >= 0"),
        ({"state": inf}, "finite number >= 0"),
        ({"p0": 0.0}, "strictly between"),
        ({"odds_ratio": 1.0}, "other than 1"),
        ({"odds_ratio": -2.0}, "other than 1"),
    ],
)
def test_impossible_input_is_refused(wrong: dict[str, float], says: str) -> None:
    """The message says what would be right."""
    given_: dict[str, float] = {"state": 0.0, "k": 1, "n": 2, "p0": 0.01, "odds_ratio": 2.0} | wrong
    with pytest.raises(ValueError, match=says):
        step(given_["state"], int(given_["k"]), int(given_["n"]), p0=given_["p0"], odds_ratio=given_["odds_ratio"])
    with pytest.raises(ValueError, match="may be negative"):
        poisson_step(0.0, -1, 1.0, ratio=2.0)
