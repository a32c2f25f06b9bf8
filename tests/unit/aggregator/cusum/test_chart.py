"""One chart: how soon it sees, what it counts, and what its limits are scaled by."""

from statistics import median
from typing import Final

import numpy as np
import pytest

from proofwatch.governance.calendar import UTC_CALENDAR
from proofwatch.governance.policy import CusumRule
from services.aggregator.core.cusum.chart import ZERO, Chart, Counts, moved, restarted
from services.aggregator.core.cusum.profile import Usual
from services.aggregator.core.cusum.step import limit_of
from tests.scenarios.tries import first_attempt_rate
from tests.unit.aggregator.cusum.alone import dispersion, usual
from tests.unit.aggregator.cusum.limits_curve import delays

RULE: Final = CusumRule()
RUNS: Final = 600


def hours_to(limits: tuple[float, ...], seed: int, rate: float, usual_rate: float = 0.01) -> list[float]:
    """Return after how many hours of 1,000 trials at `rate` a chart for twice the usual passes each limit."""
    chance, chart = np.random.default_rng(seed), ZERO
    for _ in range(48):  # it stands where it does on any day
        n = int(chance.poisson(1000 / 12))
        chart = moved(chart, Counts(0, int(chance.binomial(n, usual_rate)), n), usual_rate, 2.0, max(limits))
    passed: dict[float, float] = {}
    for window in range(1, 12 * 14):
        n = int(chance.poisson(1000 / 12))
        chart = moved(chart, Counts(window, int(chance.binomial(n, rate)), n), usual_rate, 2.0, max(limits))
        for limit in limits:
            if chart.statistic >= limit:
                passed.setdefault(limit, window / 12)
    return [passed.get(limit, 99.0) for limit in limits]


def test_a_doubled_rate_is_seen_when_the_specification_says() -> None:
    """At 7 after 1.4 h (93 % within 3 h), at 15 after 3.4 h (93 % within 6 h), to within sampling error."""
    low, high = zip(*(hours_to((7.0, RULE.high_limit), seed, 0.02) for seed in range(RUNS)), strict=True)
    assert median(low) == pytest.approx(1.45, abs=0.15)
    assert median(high) == pytest.approx(3.45, abs=0.2)
    assert sum(wait <= 3 for wait in low) / RUNS == pytest.approx(0.91, abs=0.035)
    assert sum(wait <= 6 for wait in high) / RUNS == pytest.approx(0.93, abs=0.03)


def test_nine_in_ten_doublings_are_of_low_evidence_within_three_hours() -> None:
    """At the limit that is shipped, where 0.73 % of first attempts fail: 1 % of all, if 28 % of retries fail again."""
    low = [hours_to((RULE.low_limit,), seed, 0.0146, 0.0073)[0] for seed in range(RUNS)]
    assert sum(wait <= 3 for wait in low) / RUNS == pytest.approx(0.925, abs=0.03)


def test_it_counts_from_its_last_zero() -> None:
    """The change point, and what came since, of the value and of the rest of its tenant."""
    quiet = moved(ZERO, Counts(0, 0, 100), 0.01, 2.0, 15.0)
    assert quiet is ZERO
    first = moved(quiet, Counts(300_000, 5, 100, 7, 6.0), 0.01, 2.0, 15.0)
    second = moved(first, Counts(600_000, 3, 50, 1, 2.0), 0.01, 2.0, 15.0)
    assert second.since_ms == 300_000
    assert (second.k, second.n, second.rest_k) == (8, 150, 8)
    assert second.expected == pytest.approx(1.5)
    assert second.rest_expected == pytest.approx(8.0)
    assert moved(second, Counts(900_000, 40, 50), 0.01, 2.0, 15.0).statistic == 15.0
    assert moved(second, Counts(900_000, 0, 5_000), 0.01, 2.0, 15.0) is ZERO


def test_a_head_start_is_half_the_limit() -> None:
    """After a repair, to see at once that it did not help."""
    assert restarted(15.0, 300_000) == Chart(7.5, 300_000)


def test_a_limit_grows_with_dispersion_and_with_what_is_not_known() -> None:
    """A baseline of as many trials as the change itself is worth half of one that is known."""
    assert limit_of(500, Usual(0.01), 1.5, 15.0) == 22.5
    assert limit_of(500, Usual(0.01, 5, 500, 1), 1.5, 15.0) == 45.0
    assert limit_of(500, Usual(0.01, 10_000, 1_000_000, 600), 1.0, 15.0) == pytest.approx(15.0, rel=0.001)


def test_clusters_are_seen_in_the_dispersion_and_hours_of_day_are_not() -> None:
    """Retries that fail again make it 1.78; a rate that differs by hour, alike every day, makes it 1."""
    chance = np.random.default_rng(1)
    hour = np.arange(28 * 24)
    n = np.full(hour.size, 1000)
    failing = chance.binomial(n, 0.0072)
    clustered = failing + chance.negative_binomial(np.maximum(failing, 1), 0.72)
    by_hour = chance.binomial(n, np.where(hour % 24 < 8, 0.03, 0.01))
    none = np.zeros(hour.size, np.int64)
    assert dispersion(np.stack([hour, clustered, n, none], 1), RULE, UTC_CALENDAR) == pytest.approx(1.78, abs=0.2)
    assert dispersion(np.stack([hour, by_hour, n, none], 1), RULE, UTC_CALENDAR) == pytest.approx(1.03, abs=0.12)


def test_hours_of_day_are_told_apart_as_far_as_failures_tell() -> None:
    """Few failures make no profile: their hour is shrunk to the pooled rate."""
    hour = np.arange(28 * 24)
    n, none = np.full(hour.size, 1000), np.zeros(hour.size, np.int64)
    many = np.stack([hour, np.where(hour % 24 == 3, 30, 10), n, none], 1)
    few = np.stack([hour, np.where((hour % 24 == 3) & (hour < 48), 1, 0) + (hour % 7 == 0), n, none], 1)
    at_three = 28 * 24 + 3
    assert usual(many, at_three, 0.01, RULE, UTC_CALENDAR).p0 == pytest.approx(0.029, rel=0.08)
    assert usual(many, at_three + 1, 0.01, RULE, UTC_CALENDAR).p0 == pytest.approx(0.010, rel=0.08)
    pooled = few[:, 1].sum() / few[:, 2].sum()
    assert usual(few, at_three, 0.01, RULE, UTC_CALENDAR).p0 == pytest.approx(pooled, rel=0.25)


@pytest.mark.parametrize(("k", "hours", "known"), [(99, 100, False), (100, 100, True), (3, 169, True), (3, 160, False)])
def test_a_baseline_needs_seven_days_or_a_hundred_failures(k: int, hours: int, known: bool) -> None:
    """Until then the policy's expected rate stands in."""
    hour = np.arange(hours)
    failures = np.zeros(hours, np.int64)
    failures[0] = k
    rows = np.stack([hour, failures, np.full(hours, 1000), np.zeros(hours, np.int64)], 1)
    found = usual(rows, hours, 0.01, RULE, UTC_CALENDAR)
    assert (found.n > 0) is known
    assert known or found.p0 == 0.01


def test_retries_that_fail_more_often_cost_people_and_not_evidence() -> None:
    """Of doubled rates nearly all are told in twelve hours; not so where the same failures are of fewer people."""
    usual, fewer = first_attempt_rate(0.01, 0.28), first_attempt_rate(0.01, 0.6)
    told = [sum(hours <= 12 for hours in delays(rate, 400, (15,))[15]) / 400 for rate in (usual, fewer)]
    assert told[0] >= 0.95
    assert 0.75 <= told[1] < 0.95
