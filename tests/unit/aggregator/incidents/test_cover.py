"""Which windows stand for a span when an excess is put down to its slices."""

import random

import pytest

from proofwatch.detection.findings import WHOLE, Panel
from services.aggregator.core.incident_windows import Counted, Place, cover

DAY_S, HOUR_MS = 86_400, 3_600_000
COUNTED: Counted = {WHOLE: (1, 10)}


@pytest.mark.parametrize("seed", range(20))
def test_no_window_that_stands_for_a_span_overlaps_another_and_none_that_could_is_missing(seed: int) -> None:
    """Longest first, whatever is there: days of 23 hours beside those of 24, minutes whose five minutes are missing."""
    rng = random.Random(seed)
    starts = [rng.randrange(0, 48 * HOUR_MS, 60_000) for _ in range(300)]
    places = {Place(rng.choice((60, 300, 300, 82_800, DAY_S)), start) for start in starts}
    panel = Panel("fta_rate", 2 * DAY_S, 2 * HOUR_MS)
    chosen = cover(panel, dict.fromkeys(places, COUNTED))

    def overlap(one: Place, other: Place) -> bool:
        return one.start_ms < other.end_ms and other.start_ms < one.end_ms

    inside = {each for each in places if each.start_ms >= 2 * HOUR_MS and each.end_ms <= 50 * HOUR_MS}
    assert chosen == sorted(chosen, key=lambda each: (-each.length_s, each.start_ms))
    assert set(chosen) <= inside
    assert not any(overlap(one, other) for one in chosen for other in chosen if one != other)
    for left in inside - set(chosen):
        assert any(overlap(left, each) and each.length_s >= left.length_s for each in chosen)
