"""A second cause in a rate that alarms already: told once, each further one only if it is twice as high."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import msgspec
import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Anomaly, Step
from proofwatch.instants import ms_of
from services.aggregator.core.cusum.state import RateRow, RowKey, Side
from services.aggregator.core.lengths import FIVE_MS
from services.aggregator.core.times import HOUR_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Rates, Segment, monitoring, traffic

_WHOLE: Final[Segment] = (None, None)
_BANK: Final = RowKey("bank", None, None)
_HANDSET: Final[Segment] = ("device_model", "A-1801")
_OF_HANDSET: Final = RowKey("bank", *_HANDSET)


@pytest.fixture(scope="module")
def standing() -> Bank:
    """A bank of 2,000 an hour that has failed in 3 % for half a day, where 1 % was usual."""
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 10 * 288, {_WHOLE: (160, 0.01)}))
    bank.run(_after(bank, 2, 12, {_WHOLE: (160, 0.03)}))
    assert bank.rows[_BANK].rates[METRIC].up.alarmed_ms
    return bank


def _after(bank: Bank, seed: int, hours: float, rates: Rates) -> Iterator[Any]:
    return traffic(seed, round(12 * hours), rates, bank.rows[_BANK].last_ms // FIVE_MS + 1)


def _steps(events: list[Anomaly]) -> list[Step]:
    return [each.step for each in events if each.step]


def test_a_second_cause_is_told_with_its_begin_both_levels_and_its_counts(standing: Bank) -> None:
    """A revision of the same finding, which goes on: from 3 % to 9 %."""
    bank = deepcopy(standing)
    begin_ms = bank.rows[_BANK].last_ms + FIVE_MS
    (known,) = [each for each in bank.anomalies.values() if each.state == "firing" and each.severity == "high"]
    events = bank.run(_after(bank, 3, 3, {_WHOLE: (160, 0.09)}))
    assert {(each.anomaly_id, each.state) for each in events} == {(known.anomaly_id, "firing")}
    assert [each.revision for each in events] == [known.revision + 1 + place for place in range(len(events))]
    (event,) = (each for each in events if each.step)  # beside it, how many it concerns by now (`test_growth`)
    step = event.step
    assert step is not None
    assert (step.metric, step.direction, step.told) == (METRIC, "up", True)
    assert abs(ms_of(step.since) - begin_ms) <= HOUR_MS // 2
    assert 0.025 < step.from_rate < 0.035
    assert 0.07 < step.to_rate == step.k / step.n < 0.11
    assert ms_of(step.known_at) == ms_of(event.window_end) + 30_000
    assert ms_of(step.known_at) - begin_ms < HOUR_MS
    assert ANOMALY.decode(ANOMALY.encode(event)) == event


def test_what_only_stands_tells_nothing_more(standing: Bank) -> None:
    """Nor does what rises by a fifth, in two weeks; a quiet series is watched by no further chart."""
    for rate in (0.03, 0.036):
        bank = deepcopy(standing)
        assert _steps(bank.run(_after(bank, 4, 6 * 24, {_WHOLE: (160, rate)}))) == []
    calm = Bank(monitoring(dispersion_unknown=1.0))
    calm.run(traffic(1, 5 * 288, {_WHOLE: (160, 0.01)}))
    assert calm.rows[_BANK].rates[METRIC].up.again is None


def test_back_at_the_level_before_is_said_and_ends_nothing(standing: Bank) -> None:
    """When the rate is what is usual at last, the finding ends as ever."""
    bank = deepcopy(standing)
    bank.run(_after(bank, 3, 3, {_WHOLE: (160, 0.09)}))
    events = bank.run(_after(bank, 5, 6, {_WHOLE: (160, 0.03)}))
    (step,) = _steps(events)
    assert (step.direction, step.told) == ("down", False)
    assert 0.07 < step.from_rate < 0.11
    assert {each.state for each in events} == {"firing"}
    events = bank.run(_after(bank, 6, 24, {_WHOLE: (160, 0.01)}))
    assert "resolved" in {each.state for each in events}
    assert bank.rows[_BANK].rates[METRIC].up.again is None


def test_flapping_is_told_once(standing: Bank) -> None:
    """Up and down by turns for three days: what is not higher than ever before pages nobody."""
    bank = deepcopy(standing)
    steps = []
    for turn in range(12):
        rate = 0.03 if turn % 2 else 0.09
        steps += _steps(bank.run(_after(bank, 10 + turn, 6, {_WHOLE: (160, rate)})))
    assert len(steps) >= 8
    assert [each.told for each in steps].count(True) == 1


def test_each_further_rise_that_is_told_has_twice_the_odds(standing: Bank) -> None:
    """From 3 % to nearly all by a fifth more each hour: no more than log2 of the odds says."""
    bank = deepcopy(standing)
    steps, rate = [], 0.03
    while rate < 0.99:
        steps += _steps(bank.run(_after(bank, round(rate * 1e4), 1, {_WHOLE: (160, rate)})))
        rate = 1.2 * rate / (1 + 0.2 * rate)
    told = [each for each in steps if each.told]
    assert 3 <= len(told) <= 8


def test_a_value_needs_an_effect_of_its_own_again() -> None:
    """A handset that stands rises alone: it is told. With all the rest: it is the tenant that is told of."""
    rates: Rates = {_WHOLE: (200, 0.01), _HANDSET: (50, 0.01)}
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 12 * 288, rates))
    bank.run(_after(bank, 2, 24, {_WHOLE: (200, 0.015), _HANDSET: (50, 0.04)}))
    assert bank.rows[_OF_HANDSET].rates[METRIC].up.alarmed_ms
    alone, together = deepcopy(bank), deepcopy(bank)
    steps = [each for each in alone.run(_after(alone, 3, 6, {_WHOLE: (200, 0.04), _HANDSET: (50, 0.13)})) if each.step]
    assert ("A-1801", True) in {(each.segment_value, each.step.told) for each in steps if each.step}
    events = together.run(_after(together, 3, 6, {_WHOLE: (200, 0.06), _HANDSET: (50, 0.13)}))
    assert "A-1801" not in {each.segment_value for each in events if each.step}


def test_what_was_stored_before_there_were_further_charts_goes_on(standing: Bank) -> None:
    """An alarm of an older state gets its level with the next window."""
    bank = deepcopy(standing)
    state = bank.rows[_BANK].rates[METRIC]
    old = msgspec.to_builtins(state.up)[: Side.__struct_fields__.index("again")]
    bank.rows[_BANK].rates[METRIC] = msgspec.structs.replace(state, up=msgspec.convert(old, Side))
    stored = msgspec.msgpack.encode(bank.rows[_BANK])
    bank.rows[_BANK] = msgspec.msgpack.decode(stored, type=RateRow)
    steps = _steps(bank.run(_after(bank, 3, 3, {_WHOLE: (160, 0.12)})))
    assert [each.told for each in steps] == [True]


@pytest.mark.parametrize("held", [0.02, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("after", [0.3, 0.98])
def test_a_change_that_a_window_held_in_part_is_no_further_rise(held: float, after: float) -> None:
    """A check that fails closed within a window fails in a part of it, and in all that come: that is one change."""
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 10 * 288, {_WHOLE: (160, 0.01)}))
    events = bank.run(_after(bank, 7, 1 / 12, {_WHOLE: (160, 0.01 + held * (after - 0.01))}))
    events += bank.run(_after(bank, 8, 2, {_WHOLE: (160, after)}))
    assert "high" in {each.severity for each in events if each.state == "firing"}
    assert _steps(events) == []


def test_what_comes_later_than_the_begin_may_be_is_a_rise_all_the_same() -> None:
    """An hour after the alarm."""
    bank = Bank(monitoring(dispersion_unknown=1.0))
    bank.run(traffic(1, 10 * 288, {_WHOLE: (160, 0.01)}))
    bank.run(_after(bank, 7, 1, {_WHOLE: (160, 0.05)}))
    assert [each.told for each in _steps(bank.run(_after(bank, 8, 1, {_WHOLE: (160, 0.3)})))] == [True]
