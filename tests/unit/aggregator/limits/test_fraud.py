"""A spike of confirmed fraud is told when its labels come, by the day of the transactions; as many as ever is none."""

import random

import pytest

from proofwatch.detection.finding_words import finding_sentence
from proofwatch.events.codec import ANOMALY
from proofwatch.instants import ms_of
from services.aggregator.core.limits.fraud import read
from services.aggregator.core.times import DAY_MS
from tests.unit.aggregator.limits.null_fraud import year
from tests.unit.aggregator.limits.tenant import GRACE_MS, MONDAY, Counts, Tenant, counted


def days(number: int, *, spike: range = range(0), frauds: int = 5, late: int = 3) -> Counts:
    """Two thousand accepted a day; one fraud every other day, in the spike more; labels come days later."""
    counts: Counts = {}
    for day in range(number):
        counts[counted("far", day)] = (0, 2_000)
        k = frauds if day in spike else day % 2
        if k:
            counts[counted("far", day, late=late)] = (k, 2_000 if not late else 0)
    return counts


def test_fraud_as_ever_is_no_finding() -> None:
    """Half a year."""
    tenant = Tenant()
    tenant.day_by_day(days(180), 185)
    assert tenant.told == []


def test_a_spike_is_told_once_when_its_labels_come_and_ends() -> None:
    """Since when, how many, against what; audit and investigation; people wrongly accepted."""
    tenant = Tenant()
    tenant.day_by_day(days(220, spike=range(120, 124)), 223)
    fired, ended = tenant.told
    assert ANOMALY.decode(ANOMALY.encode(fired)) == fired
    assert (fired.rule, fired.metric, fired.state, fired.severity) == ("cusum", "far", "firing", "high")
    assert (fired.cadence, fired.action) == ("at_once", "system_audit_and_fraud_investigation")
    assert fired.since is not None
    assert abs(ms_of(fired.since) - (MONDAY + 120) * DAY_MS) <= 2 * DAY_MS
    assert fired.known_at is not None
    assert ms_of(fired.known_at) <= (MONDAY + 127) * DAY_MS + GRACE_MS
    assert fired.k >= 10
    assert fired.baseline_rate == pytest.approx(0.5 / 2_000, rel=0.1)
    assert fired.affected == pytest.approx(fired.k - fired.n * fired.baseline_rate)
    assert "wrongly accepted: labels say that they are attackers or impostors" in finding_sentence(fired, "all of bank")
    assert (ended.state, ended.revision, ended.anomaly_id) == ("resolved", 2, fired.anomaly_id)


def test_whatever_is_asked_for_at_once_the_same_is_told() -> None:
    """A log that is judged at its end, or in pieces, tells what its days told."""
    counts = days(200, spike=range(120, 124))
    by_day, at_once, pieces = Tenant(), Tenant(), Tenant()
    by_day.day_by_day(counts, 260)
    at_once.evaluate(counts, 260)
    rng, at = random.Random(1), -1
    while at < 260:
        until = min(260, at + rng.randint(1, 25))
        pieces.evaluate({k: n for k, n in counts.items() if at < k.effective - MONDAY <= until}, until)
        at = until
    assert len(by_day.told) == 2
    assert at_once.told == pieces.told == by_day.told


def test_a_tenant_whose_traffic_ends_ends_its_finding() -> None:
    """In words of its own, 28 days on."""
    tenant = Tenant()
    tenant.day_by_day(days(124, spike=range(120, 124)), 170)
    assert [(event.state, event.resolution) for event in tenant.told] == [("firing", None), ("resolved", "no_traffic")]


def test_little_history_says_nothing() -> None:
    """Twenty-eight days that are six weeks old."""
    counts = {day: (9 if day > 60 else 0, 2_000) for day in range(69)}
    assert read(counts, 68) is None
    found = read({day: (9 if day > 60 else 0, 2_000) for day in range(-1, 69)}, 68)
    assert found is not None
    assert found.observation == "high"


@pytest.mark.parametrize(("frauds", "observation"), [(5, "within"), (11, "weak"), (12, "high")])
def test_it_takes_twelve_frauds(frauds: int, observation: str) -> None:
    """However unheard of fraud is."""
    found = read({day: (frauds if day == 100 else 0, 200_000) for day in range(1, 105)}, 104)
    assert found is not None
    assert found.observation == observation


def test_what_is_known_early_is_not_told_more_often() -> None:
    """Labels that are still to come only raise the chart: every fraud more is evidence more."""
    rng = random.Random(3)
    for _ in range(50):
        final = {day: (rng.randrange(4), 2_000) for day in range(120)}
        early = {day: (rng.randint(0, k) if day > 77 else k, n) for day, (k, n) in final.items()}
        now, then = read(early, 119), read(final, 119)
        assert now is not None
        assert then is not None
        assert now.statistic <= then.statistic


def test_threefold_fraud_is_seen() -> None:
    """Within weeks, though labels are eight days late in the mean; and nothing before."""
    for seed in (1, 2, 3):
        assert 182 <= year(seed, 5.0, 2_000, jump=3.0)[0] <= 205
