"""Figures: rates with counts, interval and status."""

import msgspec
import pytest

from proofwatch.biometrics.evidence import Reason
from proofwatch.biometrics.figures import Figure, Status, composed, rate
from proofwatch.biometrics.intervals import clopper_pearson_lower, clopper_pearson_upper


@pytest.mark.parametrize(
    ("k", "n", "limit", "status"),
    [
        (0, 2995, 0.001, Status.PASS),
        (0, 2994, 0.001, Status.INSUFFICIENT),
        (0, 598, 0.005, Status.PASS),
        (0, 597, 0.005, Status.INSUFFICIENT),
        (5, 140, 0.001, Status.BREACH),
        (2, 140, 0.03, Status.INSUFFICIENT),
        (1, 1, 0.03, Status.BREACH),
        (0, 0, 0.03, Status.INSUFFICIENT),
    ],
)
def test_status_is_by_the_one_sided_bound_and_never_by_the_value(k: int, n: int, limit: float, status: Status) -> None:
    """A rate below its limit passes only if there were enough trials, one above breaches only beyond doubt."""
    assert rate(k, n, limit).status is status


def test_a_bound_that_meets_the_limit_passes() -> None:
    """PASS is upper bound <= limit; BREACH needs a lower bound above it."""
    assert rate(0, 10, clopper_pearson_upper(0, 10)).status is Status.PASS
    assert rate(5, 10, clopper_pearson_lower(5, 10)).status is Status.INSUFFICIENT


def test_without_a_limit_there_is_no_status() -> None:
    """What nobody promised is neither kept nor broken."""
    assert rate(1, 10).status is None
    assert rate(0, 0).status is None


def test_no_trials_is_not_a_rate_of_zero() -> None:
    """Of nothing, the value and the interval are null."""
    assert rate(0, 0) == Figure(0, 0, None, None, None, None)


def test_a_figure_is_exactly_six_fields_on_the_wire() -> None:
    """`resolution` appears only on figures read off a sketch."""
    assert list(msgspec.to_builtins(rate(1, 10))) == ["k", "n", "value", "low", "high", "status"]
    assert msgspec.to_builtins(composed(0.5, 0.01))["resolution"] == 0.01


def test_impossible_counts_are_refused() -> None:
    """More errors than trials is an error, also when there are no trials."""
    with pytest.raises(ValueError, match="errors in"):
        rate(1, 0)


@pytest.mark.parametrize(
    ("k", "n", "reason", "without_error", "at_rate"),
    [
        (0, 0, Reason.TOO_FEW_TRIALS, 598, None),
        (0, 597, Reason.TOO_FEW_TRIALS, 1, 1),
        (2, 300, Reason.TOO_FEW_TRIALS, 958, 5_425),
        (20, 4_000, Reason.STRADDLES_THE_LIMIT, 1_808, None),
    ],
)
def test_a_figure_that_proves_nothing_says_in_which_way_and_what_would_decide(
    k: int, n: int, reason: Reason, without_error: int, at_rate: int | None
) -> None:
    """More trials help the one; the other is near its limit, and at it no number of trials decides."""
    figure = rate(k, n, 0.005)
    assert (figure.status, figure.reason) == (Status.INSUFFICIENT, reason)
    assert (figure.needed_without_error, figure.needed_at_present_rate) == (without_error, at_rate)


@pytest.mark.parametrize(("k", "n", "limit"), [(0, 598, 0.005), (100, 5_000, 0.005), (1, 30, None)])
def test_a_figure_that_is_decided_asks_for_nothing(k: int, n: int, limit: float | None) -> None:
    """Neither word nor number: the keys are not there."""
    assert list(msgspec.to_builtins(rate(k, n, limit))) == ["k", "n", "value", "low", "high", "status"]
