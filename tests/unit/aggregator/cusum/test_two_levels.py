"""A wave behind a slow drift: since when is the wave's, and the drift is said beside it."""

from typing import Final

import numpy as np
import pytest

from proofwatch.events.types import Anomaly
from proofwatch.instants import ms_of
from services.aggregator.core.cusum.change_point import EMPTY, begin, seen
from services.aggregator.core.cusum.chart import ZERO, Counts, moved
from services.aggregator.core.cusum.state import RowKey
from services.aggregator.core.cusum.two_levels import RunUp, climbed, split
from services.aggregator.core.lengths import FIVE_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Rates, Segment, monitoring, traffic

_WHOLE: Final[Segment] = (None, None)
_DAY: Final = 288


def _played(seed: int, phases: list[tuple[int, float]], trials: int = 80) -> tuple[list[Anomaly], Bank]:
    """Return the findings of high severity of phases (windows, rate), up to the first, and the bank then."""
    bank = Bank(monitoring(phases[0][1], dispersion_unknown=1.0))
    first = 0
    for number, (windows, rate) in enumerate(phases):
        rates: Rates = {_WHOLE: (trials, rate)}
        for start_ms, counts in traffic(100 * seed + number, windows, rates, first):
            high = [each for each in bank.close(start_ms, counts) if each.severity == "high" and each.direction == "up"]
            if high:
                return high, bank
        first += windows
    return [], bank


def _off(found: list[Anomaly], truth: int) -> float:
    """Return by how many windows the begin is off."""
    since = found[0].since
    assert since is not None
    return ms_of(since) / FIVE_MS - truth


def test_since_is_that_of_the_wave_and_the_drift_is_said_beside_it() -> None:
    """Half as much again for a day, then five times as much: by one change point it would be the day before."""
    off, said, sure = [], 0, 0
    for seed in range(16):
        (*_, event), _ = played = _played(seed, [(_DAY, 0.02), (_DAY, 0.03), (_DAY, 0.15)], 40)
        if ms_of(event.window_end) // FIVE_MS <= 2 * _DAY + 1:
            continue  # the drift was sure by itself
        sure += 1
        off.append(_off(played[0], 2 * _DAY))
        assert event.since is not None
        assert event.since_low is not None
        assert event.since_high is not None
        assert event.since_low <= event.since <= event.since_high
        if (step := event.step) is not None:
            said += 1
            assert (step.direction, step.told, step.metric) == ("up", False, METRIC)
            assert step.since < event.since
            assert 0.02 < step.to_rate == step.k / step.n < 0.05
            assert event.rate > 0.08
            assert ms_of(event.window_start) // FIVE_MS >= 2 * _DAY - 3
    assert sure >= 5
    assert abs(np.median(off)) <= 3
    assert said


def test_two_levels_are_told_with_the_counts_of_each() -> None:
    """Half as many again as are usual, for a day, then ten in each window: the wave, and what was before."""
    run_up: RunUp | None = None
    chart, changed = ZERO, EMPTY
    for number in range(_DAY + 4):
        k = 10 if number >= _DAY else 1 if number % 4 else 0 if number % 8 else 2
        counts = Counts(number * FIVE_MS, k, 50)
        chart = moved(chart, counts, 0.01, 2.0, 1e9)
        changed = seen(changed, counts, 0.01, 2.0, 1.0)
        run_up = climbed(run_up, chart, counts, 0.01, 2.0, 1.0)
    found = split(run_up, changed, 1.0, 4.5)
    assert found is not None
    assert (found.chart.since_ms // FIVE_MS, found.chart.k, found.chart.n) == (_DAY, 40, 200)
    assert found.chart.expected == pytest.approx(2.0)
    begun = begin(found.changed)
    assert begun is not None
    assert abs(begun.since_ms // FIVE_MS - _DAY) <= 1


@pytest.mark.parametrize("wave", [0.02, 0.05])
def test_one_level_is_told_as_one(wave: float) -> None:
    """A run-up of one level is hardly ever split, and its begin is as exact as it was."""
    split, off = 0, []
    for seed in range(12):
        found, _ = _played(seed, [(_DAY, 0.01), (2 * _DAY, wave)])
        split += found[0].step is not None
        off.append(_off(found, _DAY))
    assert split <= 1
    assert abs(np.median(off)) <= 4


def test_the_wave_is_no_further_rise_of_its_own_alarm() -> None:
    """What it is held against from then on is the wave's level, not that of drift and wave together."""
    for seed in range(16):
        found, bank = _played(seed, [(_DAY, 0.02), (_DAY, 0.03), (_DAY, 0.15)], 40)
        if found[0].step is None:
            continue
        last = bank.rows[RowKey("bank", None, None)].last_ms // FIVE_MS
        events = bank.run(traffic(9, 72, {_WHOLE: (40, 0.15)}, last + 1))
        assert not any(each.step and each.step.told for each in events)
        return
    pytest.fail("none of the drifts was followed by a wave that was told apart")
