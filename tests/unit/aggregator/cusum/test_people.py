"""People who are referred, once each: a handset whose people are referred ten times as often is told within hours."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np
import pytest

from proofwatch.detection.findings import PEOPLE_REFERRED
from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from services.aggregator.core.calendars import utc_days
from services.aggregator.core.cusum.kinds import Trials, trials_of
from services.aggregator.core.cusum.state import HourRow, RateRow, RowKey
from services.aggregator.core.cusum.watch import RateWatch
from services.aggregator.core.lengths import FIVE_MINUTES_S, FIVE_MS
from services.aggregator.core.merge import BucketKey
from services.aggregator.core.times import DAY_MS, HOUR_MS
from services.aggregator.core.touches import SDK, TOUCHES
from tests.unit.aggregator.cusum.null_people import null_findings, often
from tests.unit.aggregator.cusum.traffic import POLICY

BANK: Final = RowKey("bank", None, None)
REDMI: Final = RowKey("bank", "device_model", "Redmi 12C")
DAY: Final = 288
USUAL: Final = 0.0008
Counted = Mapping[RowKey, tuple[int, int]]


@dataclass
class Watched:
    """A bank of 1,000 attempts an hour, a quarter of them by one handset."""

    rows: dict[RowKey, RateRow] = field(default_factory=dict)
    hours: dict[RowKey, HourRow] = field(default_factory=dict)
    anomalies: dict = field(default_factory=dict)  # type: ignore[type-arg]
    closed: int = 0

    def run(self, seed: int, windows: int, own: float = USUAL, rest: float = USUAL) -> list[Anomaly]:
        """Close windows in which people are referred at these rates, by that handset and by the others."""
        found: list[Anomaly] = []
        for counts in _windows(np.random.default_rng(seed), windows, own, rest):
            found += self.close({key: Trials({PEOPLE_REFERRED: kn}) for key, kn in counts.items()})
        return found

    def close(self, told: Mapping[RowKey, Trials]) -> list[Anomaly]:
        """Close one window."""
        bucket = BucketKey("bank", FIVE_MINUTES_S, self.closed * FIVE_MS)
        self.closed += 1
        for key in told:
            self.rows.setdefault(key, RateRow())
            self.hours.setdefault(key, HourRow())
        watch = RateWatch(POLICY, self.rows, self.hours, self.anomalies, utc_days)
        return [*watch.judge_counts(bucket, told.items(), bucket.end_ms), *watch.passed(bucket)]


def _windows(chance: np.random.Generator, windows: int, own: float, rest: float) -> Iterator[Counted]:
    for _ in range(windows):
        mine, others = int(chance.poisson(250 / 12)), int(chance.poisson(750 / 12))
        k, more = int(chance.binomial(mine, own)), int(chance.binomial(others, rest))
        yield {BANK: (k + more, mine + others), REDMI: (k, mine)}


@pytest.fixture(scope="module")
def grown() -> Watched:
    """Two weeks old."""
    watched = Watched()
    assert not watched.run(1, 14 * DAY)
    return watched


def test_ten_times_as_many_of_a_handset_are_told_within_hours(grown: Watched) -> None:
    """Two and a half people an hour where one in five hours is usual; of the handset, and once."""
    waits = []
    for seed in range(15):
        watched = deepcopy(grown)
        begin_ms = watched.closed * FIVE_MS
        events = [e for e in watched.run(10 + seed, DAY, own=10 * USUAL) if e.segment_value and e.state == "firing"]
        assert {(e.severity, e.metric, e.direction, e.counted) for e in events} <= {
            ("high", PEOPLE_REFERRED, "up", None)
        }
        assert len({e.anomaly_id for e in events}) <= 1
        waits.append((ms_of(events[0].window_end) - begin_ms) / HOUR_MS if events else 99.0)
    assert median(waits) < 7
    assert sum(wait < 12 for wait in waits) >= 13


def test_people_who_come_again_all_day_count_once() -> None:
    """Two people are referred twenty times each: two, of all but those attempts."""
    counts = {
        "transactions": 240, "first_attempts": 198, "again.transactions": 42, "decision.accept": 196,
        "decision.retry": 4, "decision.refer": 40, "referred.once": 2, "referred.again": 38,
    }  # fmt: skip
    assert trials_of(counts).of(PEOPLE_REFERRED, firsts=False) == (2, 202)
    assert PEOPLE_REFERRED not in trials_of({**counts, "referred.again": 0}).attempts


def test_windows_that_do_not_tell_move_no_chart(grown: Watched) -> None:
    """Of a release before: the chart stands, and what is usual with it."""
    watched = deepcopy(grown)
    before = watched.rows[BANK].rates[PEOPLE_REFERRED]
    assert watched.close({BANK: Trials({})}) == []
    after = watched.rows[BANK].rates[PEOPLE_REFERRED]
    assert (after.up, after.down, after.usual.k) == (before.up, before.down, before.usual.k)


def test_it_is_no_rate_of_days_and_begins_anew_with_referrals(grown: Watched) -> None:
    """Days have `refer_rate`; a marker that touches referrals touches these."""
    watch = RateWatch(POLICY, grown.rows, grown.hours, {}, utc_days)
    assert list(watch.days(BucketKey("bank", DAY_MS // 1000, 12 * DAY_MS))) == []
    assert PEOPLE_REFERRED in TOUCHES[SDK].begins_anew
    assert PEOPLE_REFERRED not in TOUCHES[SDK].compared


def test_who_is_counted_once_does_not_cluster(grown: Watched) -> None:
    """The design effect is 1: phi comes out so, and none is taken for granted until hours tell."""
    rule = POLICY.cusum.of_people
    assert (rule.odds_ratio, rule.low_limit, rule.dispersion_unknown) == (10.0, rule.high_limit, 1.0)
    assert grown.rows[BANK].rates[PEOPLE_REFERRED].phi == pytest.approx(1.0, abs=0.2)


def test_a_fleet_is_told_nothing_false_in_years() -> None:
    """Ten tenants of 1,000 an hour with 20 values of a quarter: less than 0.2 a year (docs/detectors.md)."""
    rule = POLICY.cusum.of_people
    people = (10 * 1000 + 200 * 250) * USUAL * 8760
    assert often(1, rule.high_limit, rule.odds_ratio, 10_000_000) * people < 0.2
    assert often(1, rule.high_limit - 6, rule.odds_ratio, 10_000_000) * people > 7  # so it can fail


@pytest.mark.parametrize(("per_hour", "rate"), [(1000, USUAL), (40, 0.002)])
def test_a_quiet_tenant_is_told_of_nothing(per_hour: float, rate: float) -> None:
    """From its first window on, of whatever size."""
    assert null_findings(5, 40, per_hour, rate)[0] == {}
