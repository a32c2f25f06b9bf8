"""How long records gather, by a clock that the test moves."""

from itertools import pairwise

import pytest

from proofwatch.bus.lanes.linger import Linger

TALLIES = 4  # a batch of combine becomes as many


def batches(per_s: float, took_s: float = 0.02, seconds: float = 60.0) -> list[tuple[float, int]]:
    """Return when each batch began and its records, at a steady rate, with `took_s` for each to be sent."""
    linger, now_s, taken, found = Linger(1.25, 32), 0.0, 0, []
    while now_s < seconds:
        records = int(now_s * per_s) - taken
        taken += records
        if records:
            found.append((now_s, records))
        linger.began(records, now_s, full=False)
        # an idle lane looks again when a record comes
        next_s = max(now_s + took_s + max(linger.rest_s(now_s + took_s), 0.0), (taken + 1) / per_s)
        now_s = next_s
    return found


def waits(found: list[tuple[float, int]]) -> list[float]:
    return [later - earlier for (earlier, _), (later, _) in pairwise(found[2:])]


@pytest.mark.parametrize("per_s", [0.2, 3.3, 16.0, 25.0])
def test_few_records_gather_for_the_whole_time(per_s: float) -> None:
    """At 20 a second over six partitions a transaction costs no more than one tally."""
    found = batches(per_s)
    assert min(waits(found)) >= 1.25 - 1e-6
    if per_s > 3:
        assert TALLIES * len(found) <= per_s * 60 * 1.05


@pytest.mark.parametrize(("per_s", "about_s"), [(40.0, 0.8), (83.0, 0.5), (2_000.0, 0.5)])
def test_many_records_wait_only_until_enough_have_come(per_s: float, about_s: float) -> None:
    """At 500 a second over six partitions they wait for half a second, and a tally is of 40 of them."""
    found = batches(per_s)
    assert max(waits(found)) == pytest.approx(about_s, abs=0.05)
    assert min(records for _, records in found[2:]) >= 30


@pytest.mark.parametrize("took_s", [0.1, 0.6, 1.2])
def test_sending_slowly_does_not_add_to_the_wait(took_s: float) -> None:
    """The wait is from beginning to beginning: the next batch begins at once where sending took as long."""
    found = batches(83.0, took_s)
    assert max(waits(found)) == pytest.approx(max(0.5, took_s), abs=0.05)


def test_after_a_full_batch_and_after_none_nothing_waits() -> None:
    """There is more already, or there is nothing to gather with."""
    linger = Linger(1.25, 32)
    linger.began(4, 10.0, full=True)
    assert linger.rest_s(10.0) <= 0
    linger.began(0, 11.0, full=False)
    assert linger.rest_s(11.0) <= 0


def test_a_burst_after_silence_is_a_low_rate() -> None:
    """One batch says nothing of the next: it is judged by the time since the one before."""
    linger = Linger(1.25, 32)
    linger.began(1, 0.0, full=False)
    linger.began(100, 100.0, full=False)
    assert linger.rest_s(100.0) == 1.25


def test_without_a_number_that_is_enough_the_wait_is_always_the_same() -> None:
    """As it is for lanes whose batches cost the same, large or small."""
    linger = Linger(1.0, 0)
    linger.began(100, 1.0, full=False)
    linger.began(100, 2.0, full=False)
    assert linger.rest_s(2.0) == 1.0
