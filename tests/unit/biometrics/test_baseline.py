"""The guarded 2 x baseline rule."""

import numpy as np
import pytest
from scipy.stats import binom

from proofwatch.biometrics.baseline import Baseline, compare
from tests.unit.biometrics.vectors import Case, cases


@cases("twice_baseline")
def test_the_comparison_is_the_published_one(case: Case) -> None:
    """Rate, ratio and the conditional binomial p of one day."""
    i = case.input
    found = compare(i["k"], i["n"], Baseline(i["baseline_k"], i["baseline_n"], periods=28), expected_rate=0.01)
    case.holds({name: getattr(found, name) for name in case.expected})


def test_a_doubled_rate_on_few_trials_is_low_evidence() -> None:
    """The event is always there; its severity waits for proof."""
    result = compare(3, 100, Baseline(k=70, n=7000, periods=10), expected_rate=0.01)
    assert (result.exceeds, result.severity, result.basis) == (True, "low evidence", "history")
    assert result.ratio == pytest.approx(3.0)
    assert (result.low, result.high) == pytest.approx((0.01025, 0.08452), abs=1e-4)


def test_a_clear_excess_is_high() -> None:
    """The conditional binomial test finds it significant."""
    result = compare(60, 1000, Baseline(k=100, n=10_000, periods=10), expected_rate=0.01)
    assert result.severity == "high"
    assert result.p_value == pytest.approx(binom.sf(59, 160, 1000 / 11_000))


def test_exactly_twice_the_baseline_does_not_exceed() -> None:
    """The rule says greater than."""
    result = compare(20, 1000, Baseline(k=100, n=10_000, periods=10), expected_rate=0.01)
    assert (result.exceeds, result.severity) == (False, None)


def test_a_significant_but_small_rise_is_no_event() -> None:
    """Effect and evidence are both needed."""
    result = compare(1500, 100_000, Baseline(k=10_000, n=1_000_000, periods=10), expected_rate=0.01)
    assert result.p_value < 0.001
    assert (result.exceeds, result.severity) == (False, None)


def test_with_few_earlier_periods_the_expected_rate_stands_in() -> None:
    """Six periods are no baseline; the test is then the exact binomial one."""
    result = compare(6, 100, Baseline(k=0, n=600, periods=6), expected_rate=0.01)
    assert (result.basis, result.baseline_rate) == ("expected rate", 0.01)
    assert result.p_value == pytest.approx(binom.sf(5, 100, 0.01))
    assert result.severity == "high"
    assert compare(6, 100, Baseline(k=0, n=600, periods=6), 0.01, min_periods=6).basis == "history with prior"


def test_periods_without_trials_are_no_baseline_either() -> None:
    """Ten silent nights say nothing about a rate."""
    assert compare(1, 10, Baseline(k=0, n=0, periods=10), expected_rate=0.01).basis == "expected rate"


def test_a_zero_baseline_gets_the_jeffreys_prior_for_its_rate_only() -> None:
    """One failure after none is not infinitely more, and the prior makes it no more significant."""
    result = compare(1, 1000, Baseline(k=0, n=999, periods=10), expected_rate=0.01)
    assert (result.basis, result.baseline_rate) == ("history with prior", 0.0005)
    assert result.exceeds is False
    assert result.ratio == pytest.approx(2.0)
    assert result.p_value == pytest.approx(1000 / 1999)


def test_a_window_without_trials_is_no_event() -> None:
    """No rate, no interval, no alarm."""
    result = compare(0, 0, Baseline(k=10, n=1000, periods=10), expected_rate=0.01)
    assert (result.rate, result.ratio, result.exceeds, result.severity, result.low) == (None, None, False, None, None)


def test_no_failure_is_never_evidence() -> None:
    """Zero failures have a p-value of 1."""
    assert compare(0, 100, Baseline(k=10, n=1000, periods=10), expected_rate=0.01).p_value == 1.0


@pytest.mark.parametrize(
    ("k", "n", "baseline", "expected", "message"),
    [
        (5, 4, Baseline(0, 0, 0), 0.01, "current: 5 failures in 4"),
        (0, 4, Baseline(5, 4, 0), 0.01, "baseline: 5 failures in 4"),
        (0, 4, Baseline(0, 0, 0), 0.0, "expected_rate"),
    ],
)
def test_impossible_input_is_refused(k: int, n: int, baseline: Baseline, expected: float, message: str) -> None:
    """Wrong counts must not become a quiet verdict."""
    with pytest.raises(ValueError, match=message):
        compare(k, n, baseline, expected)


def test_the_guard_lowers_false_alarms_from_8_percent_to_a_twentieth_of_one() -> None:
    """At an unchanged rate of 1 % and n = 100 the bare rule fires in 8 % of windows, the guarded one in 0.05 %."""
    windows = 200_000
    drawn = np.random.default_rng(20260101).binomial(100, 0.01, size=windows)
    alarms = {"high": 0, "low evidence": 0, None: 0}
    for k, times in zip(*np.unique(drawn, return_counts=True), strict=True):
        alarms[compare(int(k), 100, Baseline(0, 0, 0), expected_rate=0.01).severity] += int(times)
    naive, guarded = alarms["high"] + alarms["low evidence"], alarms["high"]
    for fired, expected in ((naive, binom.sf(2, 100, 0.01)), (guarded, binom.sf(5, 100, 0.01))):
        sampling_error = 4 * np.sqrt(expected * (1 - expected) / windows)
        assert fired / windows == pytest.approx(expected, abs=sampling_error)
    assert binom.sf(2, 100, 0.01) == pytest.approx(0.08, abs=0.002)
    assert binom.sf(5, 100, 0.01) == pytest.approx(0.0005, abs=0.0001)


def test_the_guard_holds_against_a_baseline_that_is_itself_drawn() -> None:
    """With history instead of a known rate the conditional test still keeps false alarms below 0.1 %."""
    rng = np.random.default_rng(20260102)
    drawn = zip(rng.binomial(100, 0.01, 20_000), rng.binomial(2800, 0.01, 20_000), strict=True)
    high = sum(
        compare(int(k), 100, Baseline(int(kb), 2800, 28), expected_rate=0.01).severity == "high" for k, kb in drawn
    )
    assert high / 20_000 < 0.001


def test_trials_that_cluster_prove_less() -> None:
    """Counts are divided by the design effect in the test, not in the rates; as fewer trials would be."""
    before = Baseline(k=100, n=10_000, periods=10)
    plain, clustered = (compare(60, 1000, before, 0.01, design_effect=effect) for effect in (1.0, 2.0))
    fewer = compare(30, 500, Baseline(k=50, n=5_000, periods=10), 0.01)
    assert clustered.p_value == fewer.p_value > plain.p_value
    assert (clustered.rate, clustered.low, clustered.baseline_rate) == (plain.rate, plain.low, plain.baseline_rate)
    with pytest.raises(ValueError, match="design_effect"):
        compare(1, 2, before, 0.01, design_effect=0.5)
