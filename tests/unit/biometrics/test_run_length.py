"""A CUSUM limit promises a mean run to a false alarm and a probability to see a change."""

from math import exp, factorial, log

import numpy as np
import pytest

from proofwatch.biometrics.run_length import cusum_arl, detection_probability, limit_for, poisson_cusum_arl
from tests.unit.biometrics.vectors import Case, cases


@cases("cusum_arl")
def test_the_run_length_is_the_published_one(case: Case) -> None:
    """Mean trials to a false alarm, and the chance to see twice the odds within 3,000 trials."""
    i = case.input
    found = {
        "arl0_trials": cusum_arl(i["p0"], p0=i["p0"], odds_ratio=i["odds_ratio"], limit=i["h"]),
        "p_detect_within": detection_probability(
            i["p1"], i["within"], p0=i["p0"], odds_ratio=i["odds_ratio"], limit=i["h"]
        ),
    }
    case.holds(found)


@pytest.mark.parametrize(("p", "odds_ratio"), [(0.05, 2.0), (0.1, 2.0), (0.05, 0.5), (0.02, 0.5)])
def test_the_chain_agrees_with_simulated_charts(p: float, odds_ratio: float) -> None:
    """4,000 simulated charts, trial by trial: the mean run within four standard errors."""
    rng, limit, charts = np.random.default_rng(7), 3.0, 4_000
    success = -np.log1p(0.05 * (odds_ratio - 1))
    failure = success + np.log(odds_ratio)
    state, runs, trial = np.zeros(charts), np.zeros(charts), 0
    running = np.ones(charts, dtype=bool)
    while running.any():
        trial += 1
        moves = np.where(rng.random(charts) < p, failure, success)
        state = np.maximum(0.0, state + moves)
        ended = running & (state >= limit - 1e-9)
        runs[ended] = trial
        running &= ~ended
    expected = cusum_arl(p, p0=0.05, odds_ratio=odds_ratio, limit=limit)
    # The grid rounds a failure to 1/20 of a success weight: up to 1 % of the run.
    assert runs.mean() == pytest.approx(expected, abs=4 * runs.std() / charts**0.5 + 0.01 * expected)


def test_run_length_and_detection_are_two_views_of_one_chain() -> None:
    """The mean run is the sum over all times of the probability not to have alarmed yet."""
    chart = {"p0": 0.2, "odds_ratio": 3.0, "limit": 1.5}
    alive = [1 - detection_probability(0.3, within, **chart) for within in range(200)]
    assert sum(alive) == pytest.approx(cusum_arl(0.3, **chart), rel=1e-6)


def test_a_doubled_rate_is_seen_in_hours() -> None:
    """1 % becomes 2 % at 1,000 an hour: 93 % of charts reach 7 within three hours, and 15 within six."""
    seen = [detection_probability(0.02, n, p0=0.01, odds_ratio=2.0, limit=h) for n, h in ((3_000, 7.0), (6_000, 15.0))]
    assert seen == pytest.approx([0.93, 0.93], abs=0.005)


def test_a_head_start_sees_a_change_sooner_and_a_rate_that_is_right_later() -> None:
    """Monotone in the start, the rate and the limit."""
    chart = {"p0": 0.02, "odds_ratio": 2.0}
    plain, early = (cusum_arl(0.04, limit=4.0, start=start, **chart) for start in (0.0, 2.0))
    assert early < plain
    assert cusum_arl(0.02, limit=4.0, **chart) > plain
    assert cusum_arl(0.02, limit=5.0, **chart) > cusum_arl(0.02, limit=4.0, **chart)
    seen = [detection_probability(0.04, within, limit=4.0, **chart) for within in (0, 100, 1000)]
    assert seen[0] == pytest.approx(0.0, abs=1e-12)
    assert seen == sorted(seen)


@pytest.mark.parametrize(
    ("expected", "ratio", "true_ratio"), [(0.5, 2.0, 1.0), (0.5, 2.0, 2.0), (5.0, 0.5, 1.0), (5.0, 0.5, 0.5)]
)
def test_the_poisson_chain_agrees_with_simulated_charts(expected: float, ratio: float, true_ratio: float) -> None:
    """3,000 simulated charts of daily counts, rising and falling, under no change and under the change."""
    rng, charts, limit = np.random.default_rng(11), 3_000, 3.0
    state, runs, day = np.zeros(charts), np.zeros(charts), 0
    running = np.ones(charts, dtype=bool)
    while running.any():
        day += 1
        counts = rng.poisson(expected * true_ratio, charts)
        state = np.maximum(0.0, state + counts * np.log(ratio) - expected * (ratio - 1))
        ended = running & (state >= limit)
        runs[ended] = day
        running &= ~ended
    chain = poisson_cusum_arl(expected, ratio=ratio, limit=limit, true_ratio=true_ratio)
    assert runs.mean() == pytest.approx(chain, abs=4 * runs.std() / charts**0.5 + 0.01 * chain)


def test_a_finer_grid_changes_nothing() -> None:
    """Where both directions of moves fall on no grid in particular, 400 states are as good as 1,200."""
    coarse, fine = (poisson_cusum_arl(5.0, ratio=0.5, limit=4.0, states=states) for states in (400, 1_200))
    assert coarse == pytest.approx(fine, rel=1e-5)


@pytest.mark.parametrize("cells", [1, 3, 5, 9])
def test_the_poisson_chain_is_exact_where_moves_fall_on_its_grid(cells: int) -> None:
    """With ln 2 expected a chart of ratio 2 moves by whole ln 2; `cells` (odd) of the grid are one such move."""
    moves, expected = 4, log(2)
    up = [exp(-expected) * expected**k / factorial(k) for k in range(moves + 1)]
    chain = np.zeros((moves, moves))
    for at in range(moves):
        for k, p in enumerate(up):
            if at + k - 1 < moves:
                chain[at, max(0, at + k - 1)] += p
    exact = np.linalg.solve(np.eye(moves) - chain, np.ones(moves))[0]
    states = ((2 * moves - 1) * cells + 1) // 2
    found = poisson_cusum_arl(expected, ratio=2.0, limit=(moves - 0.5) * log(2), states=states)
    assert found == pytest.approx(exact, rel=1e-9)


def test_a_limit_is_found_for_a_promise() -> None:
    """A false alarm in 20 years of days, and not a thousandth lower."""
    limit = limit_for(lambda h: poisson_cusum_arl(0.5, ratio=2.0, limit=h), 20 * 365)
    assert poisson_cusum_arl(0.5, ratio=2.0, limit=limit) >= 20 * 365
    assert poisson_cusum_arl(0.5, ratio=2.0, limit=limit - 0.01) < 20 * 365


def test_impossible_input_is_refused() -> None:
    """The message says what would be right."""
    with pytest.raises(ValueError, match="strictly between"):
        cusum_arl(0.0, p0=0.01, odds_ratio=2.0, limit=5.0)
    with pytest.raises(ValueError, match=r"within 0\.\.limit"):
        cusum_arl(0.01, p0=0.01, odds_ratio=2.0, limit=5.0, start=5.0)
    with pytest.raises(ValueError, match="must be positive"):
        poisson_cusum_arl(0.0, ratio=2.0, limit=5.0)
