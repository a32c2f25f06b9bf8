"""Durations that jump from one day to the next."""

from collections import Counter
from typing import Any

import numpy as np

from proofwatch.events.types import Anomaly
from services.aggregator.core.merge import BucketKey, Histogram, PolicyCounts, SegmentWindow
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.timing_jumps import Timings, judged
from tests.unit.aggregator.versions.traffic import binned_times

Slices = dict[tuple[str | None, str | None], tuple[int, float]]
FIRST_MS = 20_500 * DAY_MS


def day(random: Any, slices: Slices) -> list[SegmentWindow]:
    """Return the windows of a day: of each slice so many durations, with such a median."""
    found = []
    for (name, value), (n, middle_ms) in slices.items():
        bins = binned_times(middle_ms * np.exp(random.normal(0, 0.35, n)))
        sketches = {"capture_ms": Histogram("time-v1", (), {str(place): k for place, k in bins.items()})}
        found.append(SegmentWindow(name, value, 1, {"p" * 32: PolicyCounts({"transactions": n}, {}, sketches)}))
    return found


def run(days: list[list[SegmentWindow]], explained: frozenset[str] = frozenset()) -> list[tuple[int, Anomaly]]:
    """Return what is told, with the number of the day."""
    timings: Timings = {}
    return [
        (number, event)
        for number, windows in enumerate(days)
        for event in judged(timings, BucketKey("bank", DAY_S, FIRST_MS + number * DAY_MS), windows, explained)
    ]


def handset(slower: float, share: float = 0.1) -> Slices:
    """Return a day on which one handset takes longer."""
    return {
        (None, None): (1_000, 1_800 * (1 + share * (slower - 1))),
        ("device_model", "A"): (round(1_000 * share), 1_800 * slower),
        ("device_model", "B"): (900, 1_800),
        ("sex", "male"): (500, 1_800 * slower),
    }


def test_a_handset_that_takes_longer_is_told_with_its_slice_and_ends_when_it_is_as_before() -> None:
    """Not the tenant, which is hardly slower; nor attributes of people but the country."""
    random = np.random.default_rng(1)
    days = [day(random, handset(1.0)) for _ in range(10)] + [day(random, handset(2.0)) for _ in range(3)]
    told = run([*days, day(random, handset(1.0))])
    assert [(number, event.segment_value, event.state) for number, event in told] == [
        (10, "A", "firing"),
        (13, "A", "resolved"),
    ]
    (_, first), (_, last) = told
    assert (first.rule, first.metric, first.direction, first.action) == (
        "timing_jump", "capture_ms", "up", "incident_review",
    )  # fmt: skip
    assert first.anomaly_id == last.anomaly_id
    assert (first.revision, last.revision, last.resolution) == (1, 2, None)
    assert first.statistic is not None
    assert 1.7 < first.statistic < 2.4
    assert first.since == first.window_start == last.since


def test_nothing_is_said_before_a_week_is_known_nor_of_what_a_version_explains() -> None:
    """A comparison of versions names the cause."""
    random = np.random.default_rng(2)
    early = [day(random, handset(1.0)) for _ in range(6)] + [day(random, handset(3.0))]
    assert not run(early)
    late = [day(random, handset(1.0)) for _ in range(8)] + [day(random, handset(3.0))]
    assert not run(late, frozenset({"capture_ms"}))
    assert run(late)


def test_what_stays_is_usual_after_a_week_and_what_stops_coming_ends() -> None:
    """A finding neither lasts for ever nor hides the next."""
    random = np.random.default_rng(3)
    stays = [day(random, handset(1.0)) for _ in range(8)] + [day(random, handset(2.0)) for _ in range(20)]
    assert next((event.state, number) for number, event in run(stays)) == ("firing", 8)
    assert run(stays)[-1][1].state == "resolved"
    assert run(stays)[-1][1].resolution is None
    gone: Slices = {(None, None): (1_000, 1_800.0)}
    ends = [*stays[:10], *(day(random, gone) for _ in range(4))]
    assert run(ends)[-1][1].resolution == "no_traffic"


def test_a_restated_day_replaces_its_own_and_the_past_causes_nothing() -> None:
    """As in every watch over windows."""
    random = np.random.default_rng(4)
    timings: Timings = {}
    keys = [BucketKey("bank", DAY_S, FIRST_MS + number * DAY_MS) for number in range(12)]
    for key in keys:
        assert not [*judged(timings, key, day(random, handset(1.0)), ())]
    assert not [*judged(timings, keys[5], day(random, handset(1.6)), ())]
    again = [*judged(timings, keys[11], day(random, handset(3.0)), ())]
    assert [each.segment_value for each in again] == ["A"]
    back = [*judged(timings, keys[11], day(random, handset(1.0)), ())]
    assert [(each.state, each.anomaly_id) for each in back] == [("resolved", again[0].anomaly_id)]


def false_findings(seed: int, days: int, spread: float, slices: int = 21) -> Counter[str]:
    """Return what is told of a tenant whose slices differ from day to day by `spread`, and by nothing else."""
    random, timings, found = np.random.default_rng(seed), Timings(), Counter[str]()
    names = [("device_model", str(number)) for number in range(slices)]
    for number in range(days):
        windows = day(random, {each: (200, 1_800 * float(np.exp(random.normal(0, spread)))) for each in names})
        for event in judged(timings, BucketKey("bank", DAY_S, FIRST_MS + number * DAY_MS), windows, ()):
            found[event.state] += 1
    return found


def test_a_quarter_in_which_days_differ_by_a_tenth_tells_nothing() -> None:
    """`python -c` with more days and seeds made the figure of the page."""
    assert not false_findings(1, 90, 0.1)
