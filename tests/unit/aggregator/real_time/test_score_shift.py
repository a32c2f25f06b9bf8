"""Scores that jump: told with direction, distance and beginning, not where days differ as much, nor twice."""

import random
from collections.abc import Iterator

import pytest

from proofwatch.biometrics.edges import edge_set
from proofwatch.biometrics.sketch import Sketch
from proofwatch.governance.policy import RealTimeRule
from services.aggregator.core.merge import Histogram
from services.aggregator.core.real_time import DETECTORS
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.shape import (
    BOUNDS,
    UNIT,
    Bins,
    Shape,
    added,
    bins_of,
    cumulated,
    packed,
    unpacked,
)
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.unit.aggregator.real_time.null_shift import year
from tests.unit.aggregator.real_time.traffic import DAY, MINUTE, MONDAY, Told, scores

WATCH = MinuteWatch(RealTimeRule(), [each for each in DETECTORS if each.rule != "volume"])
AFTER = MONDAY + 8 * DAY
EVERY = 5
"""Traffic comes each fifth minute, so that days are few minutes."""
PER_MINUTE = 100


def bins(rng: random.Random, mean: float, n: int = PER_MINUTE) -> Bins:
    """Return n scores about a bin with the standard deviation of ten bins."""
    found: Bins = {}
    for _ in range(n):
        place = min(len(BOUNDS) - 1, max(0, round(rng.gauss(mean, 10.0))))
        found[place] = found.get(place, 0) + 1
    return found


def minutes(from_ms: int, n: int, mean: float = 40.0, seed: int = 1, **more: float) -> Iterator[Minute]:
    """Yield minutes of which two in a hundred fail, with liveness scores about a bin."""
    rng = random.Random(seed)
    for i in range(0, n, EVERY):
        told = scores(PER_MINUTE, **{"failed": 2} | more)  # type: ignore[arg-type]
        match = scores(PER_MINUTE, failed=2)
        yield Minute(from_ms + i * MINUTE, PER_MINUTE, 2, match, told, packed(bins(rng, 40.0)), packed(bins(rng, mean)))


@pytest.fixture(scope="module")
def usual() -> Told:
    """Return a tenant after eight days."""
    told = Told(WATCH).feed(minutes(MONDAY, 8 * 24 * 60))
    assert told.said() == []
    return told


def after(usual: Told) -> Told:
    told = Told(WATCH)
    told.state = usual.state
    return told


@pytest.mark.parametrize(("mean", "direction", "word"), [(33.0, "down", "fell"), (47.0, "up", "rose")])
def test_scores_that_jump_are_told_once_with_direction_and_beginning(
    usual: Told, mean: float, direction: str, word: str
) -> None:
    """Seven tenths of a standard deviation, within an hour."""
    told = after(usual).feed(minutes(AFTER, 180, mean, seed=2))
    assert told.said() == [("score_shift", "liveness_score", direction, "firing")]
    event = told.published[0].event
    assert told.published[0].at_ms <= AFTER + 60 * MINUTE
    assert event.since is not None
    assert abs(event.since.timestamp() * 1000 - AFTER) <= 30 * MINUTE
    assert event.severity == "high"
    assert event.at_score in BOUNDS
    assert abs(event.rate - event.baseline_rate) == pytest.approx(event.statistic)
    assert event.statistic >= 0.15 == event.threshold  # type: ignore[operator]
    assert (event.rate > event.baseline_rate) == (word == "fell")


def test_it_ends_by_return(usual: Told) -> None:
    """A block that is within, and five minutes after it."""
    told = after(usual).feed(minutes(AFTER, 120, 33.0, seed=2)).feed(minutes(AFTER + 120 * MINUTE, 120, seed=3))
    assert [state for *_, state in told.said()] == ["firing", "resolved"]
    assert told.published[1].at_ms <= AFTER + 180 * MINUTE


def test_what_says_more_of_the_same_scores_holds_it_back(usual: Told) -> None:
    """All scores are 1.0: saturation is told, not the shift; and a shift that was told does not hide it."""
    top = len(BOUNDS) - 1
    broken = list(minutes(AFTER, 120, at_one=PER_MINUTE, alike=1.0))
    broken = [
        Minute(m.start_ms, m.transactions, m.rejected, m.match, m.liveness, m.match_bins, packed({top: PER_MINUTE}))
        for m in broken
    ]
    said = after(usual).feed(broken).said()
    assert ("saturation", "liveness_score", "up", "firing") in said
    assert "score_shift" not in {rule for rule, *_ in said}
    later = [
        Minute(m.start_ms + DAY, m.transactions, m.rejected, m.match, m.liveness, m.match_bins, m.liveness_bins)
        for m in broken
    ]
    both = after(usual).feed(minutes(AFTER, 24 * 60, 33.0, seed=2)).feed(later).said()
    assert both[0] == ("score_shift", "liveness_score", "down", "firing")
    assert ("saturation", "liveness_score", "up", "firing") in both


def test_what_lasts_is_usual_after_a_week(usual: Told) -> None:
    """Never frozen for ever: seven days are left out, then the new scores join, and it ends."""
    told = after(usual).feed(minutes(AFTER, 14 * 24 * 60, 33.0, seed=2))
    assert [state for *_, state in told.said()] == ["firing", "resolved"]
    assert told.published[-1].at_ms > AFTER + 7 * DAY


def test_days_that_differ_raise_none() -> None:
    """Means that move by 0.3 standard deviations from day to day, where five hundred scores know theirs to 0.04."""
    assert year(3, 1_000.0, of_day=0.3, of_hour=0.1, days=60) == []


def test_a_jump_is_found_where_days_are_alike() -> None:
    """Half a standard deviation, on the day on which it comes."""
    for seed in (1, 2, 3):
        assert year(seed, 1_000.0, of_day=0.0, of_hour=0.0, days=23, jump=(21, -0.5))[0] == 21


def test_the_bins_of_a_sketch_lie_between_bounds() -> None:
    """Whatever thresholds are further edges of it: a score is where the bounds say."""
    for thresholds in ((), (0.3, 0.701, 0.9951), (0.25,)):
        values = [0.0, 0.01, 0.2999, 0.3, 0.5, 0.7005, 0.702, 0.875, 0.98, 0.99512, 0.9999, 1.0]
        sketch = Sketch(edge_set(thresholds))
        sketch.add_many(values)
        wire = sketch.to_wire()
        found = bins_of(Histogram(wire.grid, wire.thresholds, wire.bins))
        expected: Bins = {}
        for value in values:
            place = sum(bound <= value for bound in BOUNDS) - 1
            expected = added(expected, {place: 1})
        assert found == expected
    assert bins_of(None) == {}


def test_a_shape_is_the_mean_and_the_spread_of_its_units() -> None:
    """Units of 500 scores; days are counted once; half of it has the same mean."""
    low, high = {10: UNIT}, {20: UNIT}
    shape = Shape().grown(5, low).grown(5, high).grown(6, {10: UNIT // 2}).grown(6, {10: UNIT // 2}).grown(7, {3: 9})
    assert (shape.units, shape.days, shape.open) == (3, 2, {3: 9})
    assert tuple(shape.usual(15)) == pytest.approx((2 / 3, 1 / 3), abs=1e-3)
    assert cumulated(low)[10:12] == [0, UNIT]
    half = shape.grown(7, {10: UNIT}).halved()
    assert (half.units, half.usual(15).share) == (2, 0.75)


@pytest.mark.parametrize("bins", [{}, {0: 1}, {84: 128}, {84: 129}, {0: 130, 3: 2, 84: 100_000}])
def test_bins_as_bytes_are_the_bins(bins: Bins) -> None:
    """However many scores a bin holds."""
    assert unpacked(packed(bins)) == bins


@pytest.mark.parametrize("seed", range(3))
def test_order_of_arrival_decides_nothing(usual: Told, seed: int) -> None:
    """Minutes that close late, within the hour, leave the state that they leave in order."""
    rng = random.Random(seed)
    all_of_them = list(minutes(AFTER, 300, 33.0, seed=2))
    late = sorted(range(len(all_of_them)), key=lambda place: place + rng.choice((0, 0, 0, 3, 9)))
    straight, mixed = after(usual).feed(all_of_them), after(usual).feed(all_of_them[place] for place in late)
    assert mixed.state.after == straight.state.after
    assert mixed.state.reference == straight.state.reference
    assert ("score_shift", "liveness_score", "down", "firing") in mixed.said()


@pytest.mark.parametrize("units", [40, 41, 43])
def test_half_of_a_shape_has_the_same_mean_and_spread(units: int) -> None:
    """An odd number of units too: a mean that is off by a hundredth would hide that days differ."""
    shape = Shape()
    for i in range(units):
        shape = shape.grown(i, {10: 400 + i % 3, 20: 100})
    before, after = shape.usual(15), shape.halved().usual(15)
    assert after.share == pytest.approx(before.share, abs=2e-3)
    assert after.variance == pytest.approx(before.variance, abs=1e-4)
