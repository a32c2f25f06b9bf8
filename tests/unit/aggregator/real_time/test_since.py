"""Since when scores are missing or all alike: the minute, as far as minutes tell it, else bounds that hold it."""

import random
from collections.abc import Iterator

import pytest

from proofwatch.events.types import Anomaly
from proofwatch.governance.policy import load_policy
from proofwatch.instants import ms_of
from services.aggregator.core.real_time.minute import Minute
from services.aggregator.core.real_time.since import WITHIN, first_ms, last_ms, lowest
from services.aggregator.core.real_time.tenant import MinuteWatch
from tests.unit.aggregator.real_time.traffic import DAY, HOUR, MINUTE, MONDAY, Told, minute, steady

_BEGIN = MONDAY + DAY + 3 * HOUR


def _found(rule: str, minutes: list[Minute]) -> Anomaly:
    rules = load_policy().monitoring.real_time
    told = Told(MinuteWatch(rules)).feed(minutes)
    return next(each.event for each in told.published if each.event.rule == rule)


def _days_before() -> list[Minute]:
    """A day and three hours in which one of a thousand scores is missing."""
    known = steady(MONDAY, (_BEGIN - MONDAY) // MINUTE)
    return [minute(each.start_ms, failed=i % 2, missing=int(i % 50 == 7)) for i, each in enumerate(known)]


def test_of_scores_of_which_none_comes_any_more_the_first_minute_is_told() -> None:
    """A score that is missing by chance shortly before is no begin."""
    before = [*_days_before()[:-4], *(minute(_BEGIN + each * MINUTE, missing=int(each == -3)) for each in range(-4, 0))]
    found = _found("missing_scores", [*before, *(minute(_BEGIN + i * MINUTE, missing=20) for i in range(10))])
    assert found.since is not None
    assert ms_of(found.since) == _BEGIN
    assert found.since_low == found.since
    assert found.since_high is not None
    assert ms_of(found.since_high) == _BEGIN + MINUTE


def test_of_a_few_more_that_are_missing_bounds_are_told_that_hold_the_begin() -> None:
    """Two of twenty: a minute without any says nothing; before it, one by chance may have been the first."""
    some = [minute(_BEGIN + i * MINUTE, missing=2 * int(i % 2 == 1)) for i in range(240)]
    found = _found("missing_scores", [*_days_before(), *some])
    assert found.since is not None
    assert found.since_low is not None
    assert found.since_high is not None
    assert ms_of(found.since_low) <= _BEGIN < ms_of(found.since_high)
    assert found.since_low <= found.since < found.since_high
    assert ms_of(found.since_high) - ms_of(found.since_low) < HOUR


@pytest.mark.parametrize("offset", range(5))
def test_scores_that_become_all_alike_do_so_in_the_first_minute_that_shows_it(offset: int) -> None:
    """In the middle of a block of minutes that shows nothing by itself."""
    begin = _BEGIN + offset * MINUTE
    before = [*_days_before(), *(minute(_BEGIN + i * MINUTE) for i in range(offset))]
    found = _found("few_values", [*before, *(minute(begin + i * MINUTE, alike=0.9) for i in range(10))])
    assert found.since is not None
    assert found.since_low is not None
    assert found.since_high is not None
    assert ms_of(found.since) == begin
    assert begin - 2 * MINUTE <= ms_of(found.since_low) <= begin < ms_of(found.since_high) <= begin + 2 * MINUTE


def _sums(seed: int) -> Iterator[tuple[int, float]]:
    """Yield the sum after each minute: it falls as a rule until the change, and climbs from then on."""
    rng, total = random.Random(seed), 0.0
    for at in range(400):
        total += rng.gauss(-0.5 if at < 300 else 0.5, 1.0)
        yield at, total


def test_bounds_hold_the_begin_in_nine_of_ten() -> None:
    """Of a sum whose steps are normal, and as likely before as after the change."""
    held = 0
    for seed in range(200):
        known: dict[int, int] = {}
        least, before, high = 0.0, 0.0, 0
        for at, total in _sums(seed):
            start = at * MINUTE
            if total <= least:
                known, least, before, high = lowest(known, start + MINUTE, least - total), total, 0.0, 0
            else:
                high = last_ms(before, high, start)
                before = total - least
        low = first_ms(known)
        held += low is not None and low <= 300 * MINUTE < high
    assert held >= 180


def test_few_minutes_are_kept_however_long_it_falls() -> None:
    """Ten at most, of which the first is the bound, as far as they lie apart."""
    known: dict[int, int] = {}
    for at in range(1, 500):
        known = lowest(known, at * MINUTE, 0.01)
        assert len(known) <= 10
    first = first_ms(known)
    assert first is not None
    assert 499 - WITHIN * 100 <= first / MINUTE <= 499 - WITHIN * 100 * 6 / 8
    assert first_ms({}) is None
