"""A span is covered by windows of several lengths, each moment once, and adds up to what a direct count says."""

import random
from pathlib import Path

import pytest

from services.aggregator.core.found import Query
from services.aggregator.core.lengths import LENGTHS_S
from services.aggregator.core.segments import WHOLE
from services.aggregator.core.span import Span, Stretch, counted, cover, gaps
from services.aggregator.core.times import DAY_MS, MINUTE_MS
from services.aggregator.queries.run_source import load_run
from tests.unit.aggregator.queries.runs import START_MS, TENANT, shots, windows, write_run


@pytest.mark.parametrize("seed", range(10))
def test_the_sums_over_any_span_of_minutes_are_those_of_a_direct_count(seed: int, tmp_path: Path) -> None:
    """Days where a day lies in it whole, five minutes and minutes at its edges."""
    rng = random.Random(seed)
    taken = shots(600, seed, days=3)
    run = write_run(tmp_path / "run", windows(taken))
    since, until = sorted(START_MS + rng.randrange(3 * DAY_MS // MINUTE_MS) * MINUTE_MS for _ in range(2))
    if seed == 0:
        since, until = START_MS, START_MS + 3 * DAY_MS
    wanted = [shot for shot in taken if since <= shot.at_ms < until]
    found = counted(load_run(run, Query(TENANT, Span(since, until), ("device_model",))).counted)
    assert found[WHOLE].transactions == len(wanted)
    assert found[WHOLE].counts.get("liveness.fail", 0) == sum(
        s.liveness is not None and s.liveness < s.liveness_threshold for s in wanted
    )
    for model in {shot.model for shot in wanted}:
        assert found["device_model", model].transactions == sum(shot.model == model for shot in wanted)
    assert found[WHOLE].sketches["capture_ms"].total() == len(wanted)


def test_a_span_is_covered_once_by_the_longest() -> None:
    """No window lies in another that was taken."""
    day = [Stretch(s, START_MS + k * s * 1000) for s in LENGTHS_S for k in range(86_400 // s)]
    half = DAY_MS // 2 + 7 * MINUTE_MS
    assert cover(day, Span()) == {Stretch(86_400, START_MS)}
    chosen = cover(day, Span(START_MS + half))
    assert sum(each.length_s for each in chosen) == (DAY_MS - half) // 1000
    assert {each.length_s for each in chosen} == {60, 300}
    assert len({each.start_ms for each in chosen}) == len(chosen)


@pytest.mark.parametrize("seed", range(20))
def test_windows_asked_for_length_by_length_in_what_is_left_are_those_that_cover(seed: int) -> None:
    """As the database is asked: a month is thirty rows and its edges, not every window of five minutes."""
    rng = random.Random(seed)
    length_ms = 3 * DAY_MS
    there = [Stretch(s, START_MS + k * s * 1000) for s in LENGTHS_S for k in range(length_ms // 1000 // s)]
    there = [each for each in there if rng.random() < rng.choice((0.1, 0.5, 0.9, 1.0))]
    bounds = [None, *(START_MS + rng.randrange(length_ms) for _ in range(2))]
    span = Span(rng.choice(bounds), rng.choice(bounds))
    chosen: list[Stretch] = []
    for length_s in reversed(LENGTHS_S):
        left = gaps(chosen, span)
        own = [each for each in there if each.length_s == length_s]
        chosen += [each for each in own if any(gap.holds(each.start_ms, each.end_ms) for gap in left)]
    assert len(chosen) == len(set(chosen))
    assert set(chosen) == cover(there, span)


def test_a_day_that_is_not_closed_is_read_by_shorter_windows() -> None:
    """Then the last closed five minutes, then the last closed minutes."""
    there = [Stretch(300, START_MS), Stretch(60, START_MS), Stretch(60, START_MS + 5 * MINUTE_MS)]
    assert cover(there, Span()) == {there[0], there[2]}
