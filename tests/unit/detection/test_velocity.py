"""Velocity: what counts, when a rule is crossed, and that batches, rewinds and restarts show nowhere."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.detection import velocity
from proofwatch.detection.velocity import (
    LATENESS_MS,
    MINUTE_MS,
    Crossing,
    Limit,
    Proofs,
    crossings,
    horizon_ms,
    least,
    limits_of,
)
from proofwatch.governance.policy import VelocityRule, load_policy

HORIZON_MS = 40
LIMITS = (Limit(10, 3), Limit(25, 4), Limit(HORIZON_MS, 2))


class Proof(NamedTuple):
    """One record of the log; `shift`: by how much it occurred before (or after) it was appended."""

    gap_ms: int
    key: bytes
    shift_ms: int


LOGS = st.lists(
    st.builds(Proof, st.integers(0, 25), st.sampled_from([b"a", b"a", b"b", b"c"]), st.integers(-30, 5)), max_size=60
)
CUTS = st.lists(st.integers(1, 60), max_size=8)


class Entry(NamedTuple):
    logged_ms: int
    key: bytes
    occurred_ms: int


def log_of(proofs: list[Proof]) -> list[Entry]:
    entries, now_ms = [], 1  # so that some occurred before 1970
    for gap_ms, key, shift_ms in proofs:
        now_ms += gap_ms
        entries.append(Entry(now_ms, key, now_ms + shift_ms))
    return entries


def in_window(times: list[int], end_ms: int, window_ms: int) -> int:
    return sum(end_ms - window_ms < time <= end_ms for time in times)


def told(log: list[Entry], at: int) -> list[tuple[int, int]]:
    """Straight from the definition, by brute force: which rules the proof at `at` crosses."""
    entry = log[at]
    before = [e.occurred_ms for e in log[:at] if e.key == entry.key and entry.logged_ms - e.logged_ms < HORIZON_MS]
    found = []
    for window_ms, limit in LIMITS:
        around = [t for t in before if entry.occurred_ms <= t < entry.occurred_ms + window_ms] + [entry.occurred_ms]
        previous = max((t for t in before if t <= entry.occurred_ms), default=None)
        ends = {*around, *([] if previous is None else [previous])}
        was_in_excess = any(in_window(before, end, window_ms) >= limit for end in ends if end in before)
        is_in_excess = any(in_window([*before, entry.occurred_ms], end, window_ms) >= limit for end in around)
        if is_in_excess and not was_in_excess:
            found.append((window_ms, limit))
    return found


def seen(proofs: Proofs, entry: Entry) -> list[tuple[int, int]]:
    times = proofs.see(*entry)
    if times is None:
        return []
    return [(limit.window_ms, limit.limit) for limit in LIMITS if crossings(times, entry.occurred_ms, (limit,))]


@pytest.fixture(autouse=True, scope="module", params=[4, 32])
def few(request: pytest.FixtureRequest) -> Iterator[None]:
    """With half so many proofs of a key kept as a value; more are kept otherwise, and nobody may notice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(velocity, "_FEW", request.param)
        yield


@settings(max_examples=200, deadline=None)
@given(LOGS, CUTS)
def test_what_is_told_is_what_the_definition_says_however_the_log_is_cut(proofs: list[Proof], cuts: list[int]) -> None:
    """Out of order, before 1970, over generations: the same as comparing every proof with every other."""
    log, memory = log_of(proofs), Proofs(HORIZON_MS)
    bounds = sorted({0, len(log), *(cut for cut in cuts if cut < len(log))})
    for first, end in pairwise(bounds):
        memory.begin(first, log[first].logged_ms)
        for at in range(first, end):
            assert seen(memory, log[at]) == told(log, at)


@settings(max_examples=200, deadline=None)
@given(LOGS, CUTS, st.lists(st.integers(1, 20), max_size=8))
def test_a_batch_that_comes_again_counts_once(proofs: list[Proof], cuts: list[int], lost: list[int]) -> None:
    """Each batch is first seen longer or shorter than it is committed, as after a commit that failed."""
    log, memory = log_of(proofs), Proofs(HORIZON_MS)
    bounds = sorted({0, len(log), *(cut for cut in cuts if cut < len(log))})
    for turn, (first, end) in enumerate(pairwise(bounds)):
        for at in range(first, min(first + (lost[turn] if turn < len(lost) else 0), len(log))):
            if at == first:
                memory.begin(first, log[first].logged_ms)
            memory.see(*log[at])
        memory.begin(first, log[first].logged_ms)
        for at in range(first, end):
            assert seen(memory, log[at]) == told(log, at)


@settings(max_examples=200, deadline=None)
@given(LOGS, st.integers(0, 60))
def test_reading_one_horizon_again_is_enough_after_a_restart(proofs: list[Proof], at: int) -> None:
    """A new process reads what was appended less than a horizon before the last record, and tells the same."""
    log = log_of(proofs)
    at = min(at, len(log))
    memory = Proofs(HORIZON_MS)
    since = next((n for n in range(at) if log[n].logged_ms > log[at - 1].logged_ms - HORIZON_MS), at)
    for n in range(since, len(log)):
        memory.begin(n, log[n].logged_ms)
        found = seen(memory, log[n])
        assert n < at or found == told(log, n)


def test_the_timeline_of_the_docstring() -> None:
    """Limit 3 in 10 minutes: one crossing for each excess, not for each proof in it."""
    memory, minutes = Proofs(60 * MINUTE_MS), [0, 4, 8, 12, 30, 34, 35]
    memory.begin(0, 0)
    found = []
    for minute in minutes:
        times = memory.see(minute * MINUTE_MS, b"acme/s", minute * MINUTE_MS)
        found.append(crossings(times or (), minute * MINUTE_MS, (Limit(10 * MINUTE_MS, 3),)))
    crossed = (Crossing(window_minutes=10, limit=3, counted=3),)
    assert found == [(), (), crossed, (), (), (), crossed]


def test_a_proof_that_arrives_late_fills_the_window_of_later_ones() -> None:
    """Proofs at 0 and 8 minutes are no excess; the one of 4 minutes, arriving last, makes it one."""
    times = [0, 4 * MINUTE_MS, 8 * MINUTE_MS]
    assert crossings(times, 4 * MINUTE_MS, (Limit(10 * MINUTE_MS, 3),)) == (Crossing(10, 3, 3),)


def test_fewer_proofs_than_any_rule_asks_for_are_not_told() -> None:
    """The answer comes with the first proof that could cross a rule, and from then on."""
    memory, enough = Proofs(1_000), least((Limit(10, 5), Limit(20, 3)))
    memory.begin(0, 1)
    told_at = [list(memory.see(1 + n, b"acme/s", n, enough) or ()) for n in range(4)]
    assert told_at == [[], [], [0, 1, 2], [0, 1, 2, 3]]
    assert (least(()), least((Limit(10, 2),))) == (2, 2)


def test_the_memory_is_bounded_by_two_horizons_of_keys() -> None:
    """A hundred thousand subjects pass; those that proved longer ago than two horizons are gone."""
    memory = Proofs(1_000)
    most = 0
    for offset in range(0, 100_000, 100):
        memory.begin(offset, 1 + offset)
        for n in range(offset, offset + 100):
            memory.see(1 + n, b"acme/%d" % n, n)
        most = max(most, len(memory))
    assert most <= 2_000 + 100


def test_a_key_keeps_no_more_proofs_than_one_horizon_has() -> None:
    """One subject that proves without end costs one horizon of proofs, and every answer stays exact."""
    memory = Proofs(50)
    for offset in range(1_000):
        memory.begin(offset, 1 + offset)
        times = memory.see(1 + offset, b"acme/s", offset)
    assert times == list(range(950, 1_000))


def test_going_back_before_the_last_batch_is_refused() -> None:
    """What was dropped cannot be brought back: the caller must read the horizon anew."""
    memory = Proofs(50)
    memory.begin(5, 0)
    memory.begin(9, 0)
    with pytest.raises(ValueError, match="before the last batch, which began at 9: read the horizon again"):
        memory.begin(5, 0)


def test_the_horizon_is_the_longest_window_and_an_allowance_for_lateness() -> None:
    """Without rules there is nothing to remember."""
    policy = load_policy().suspicion
    assert limits_of(policy.subject_velocity) == (Limit(10 * MINUTE_MS, 8), Limit(60 * MINUTE_MS, 15))
    assert horizon_ms(limits_of(policy.subject_velocity)) == 60 * MINUTE_MS + LATENESS_MS
    assert horizon_ms(limits_of([VelocityRule(window_minutes=1, limit=2)])) == MINUTE_MS + LATENESS_MS
    assert horizon_ms(()) == 0
