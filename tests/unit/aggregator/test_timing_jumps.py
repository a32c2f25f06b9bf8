"""Durations that jump from one day to the next."""

import msgspec
import numpy as np

from proofwatch.events.types import Anomaly
from services.aggregator.core.merge import BucketKey, SegmentWindow
from services.aggregator.core.times import DAY_MS, DAY_S
from services.aggregator.core.timing_days import Durations
from services.aggregator.core.timing_jumps import Timings, judged
from tests.unit.aggregator.null_timings import FIRST_MS, Slices, day, false_findings


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


def test_by_how_much_days_differ_is_learnt_of_each_series() -> None:
    """A handset whose days differ by a quarter doubles by chance; one whose days are alike does not."""
    for spread, told in ((0.25, []), (0.03, ["firing", "resolved"])):
        random = np.random.default_rng(6)
        levels = [1.0] * 3 + [float(np.exp(random.normal(0, spread))) for _ in range(70)] + [1.9, 1.0]
        days = [day(random, {("device_model", "A"): (2_000, 1_800 * level)}) for level in levels]
        assert [event.state for number, event in run(days)] == told


def test_what_was_stored_before_anything_was_learnt_is_read() -> None:
    """Its days tell meanwhile."""
    old = msgspec.msgpack.encode([[[1, [7.5, 8.0]]], 1, 0, "", 0])
    assert msgspec.msgpack.decode(old, type=Durations).learnt == 0


def test_a_quarter_in_which_days_differ_by_fifteen_in_a_hundred_tells_nothing() -> None:
    """`python -m tests.unit.aggregator.null_timings` has more days and spreads."""
    assert not false_findings(1, 60, 0.15)
