"""Attempt histories."""

import msgspec
import pytest

from proofwatch.events.types import Attempts
from services.scorer.core.attempts import BOUND, CLEAN, History, after, before, is_further, settled
from services.scorer.core.rules import LIVENESS_FAILED, MATCH_FAILED
from tests.unit.scorer.samples import HOUR_MS, of

DAY_MS = 24 * HOUR_MS
BOTH = MATCH_FAILED | LIVENESS_FAILED


def history(*failures: tuple[int, int, int]) -> History:
    """A history of (offset, occurred_ms, failed); the transaction is the offset."""
    made: History = ()
    for offset, occurred_ms, failed in failures:
        made = after(made, offset, occurred_ms, of(offset), failed, suspicion=False)
    return made


def counted(made: History, offset: int, occurred_ms: int = 0, transaction: int = -1) -> tuple[int, int]:
    failures = before(made, offset, occurred_ms, of(transaction), DAY_MS).failures
    return failures.match, failures.liveness


def test_each_check_has_its_own_counter() -> None:
    """A transaction that fails both counts for both."""
    assert counted(history((1, 0, MATCH_FAILED), (2, 0, BOTH), (3, 0, LIVENESS_FAILED)), 9) == (2, 2)


def test_only_what_lies_below_the_own_offset_counts() -> None:
    """A history written ahead of a crash gives the same answers again."""
    made = history((1, 0, MATCH_FAILED), (5, 0, MATCH_FAILED), (9, 0, MATCH_FAILED))
    assert [counted(made, offset)[0] for offset in (1, 2, 5, 6, 9, 10)] == [0, 1, 1, 2, 2, 3]


def test_an_accept_clears_both_counters() -> None:
    """Only an accept ends an episode of failures."""
    made = history((1, 0, BOTH), (2, 0, 0), (3, 0, MATCH_FAILED))
    assert counted(made, 4) == (1, 0)
    assert before(history((1, 0, BOTH), (2, 0, 0)), 3, 0, of(3), DAY_MS) == CLEAN


@pytest.mark.parametrize(
    ("occurred_ms", "count"), [(0, 1), (DAY_MS - 1, 1), (DAY_MS, 0), (-DAY_MS + 1, 1), (-DAY_MS, 0)]
)
def test_failures_count_within_one_window_of_event_time(occurred_ms: int, count: int) -> None:
    """A late transaction counts what occurred near it, before or after."""
    assert counted(history((1, 0, MATCH_FAILED)), 2, occurred_ms) == (count, 0)


def test_a_transaction_counts_once_and_never_for_itself() -> None:
    """Attempts are distinct transactions: one that comes again beyond the duplicate horizon adds nothing."""
    made = after((), 1, 0, of(77), MATCH_FAILED, suspicion=False)
    made = after(made, 8, 0, of(77), MATCH_FAILED, suspicion=False)
    assert counted(made, 9) == (1, 0)
    assert counted(made, 9, transaction=77) == (0, 0)


def test_each_attempt_of_a_transaction_counts() -> None:
    """Vendors resubmit under one id: what was judged tells attempts apart, and an old entry stands for all of them."""
    made = after((), 1, 0, of(77, 1), MATCH_FAILED, suspicion=False)
    made = after(made, 2, 0, of(77, 2), MATCH_FAILED, suspicion=False)
    made = after(made, 3, 0, of(77, 2), MATCH_FAILED, suspicion=False)
    assert before(made, 9, 0, of(77, 3), DAY_MS).failures.match == 2
    assert before(made, 9, 0, of(77, 2), DAY_MS).failures.match == 1
    assert is_further(made, 9, of(77, 3))
    assert not is_further(made, 2, of(77, 1))
    released = tuple(msgspec.structs.replace(entry, attempt=None) for entry in made)
    assert before(released, 9, 0, of(77, 3), DAY_MS).failures.match == 0
    assert not is_further(released, 9, of(77, 3))


def test_a_suspicion_holds_for_its_episode() -> None:
    """Until an accept, or until the window has passed since it was raised."""
    made = after(history((1, 0, BOTH)), 2, 10, of(2), BOTH, suspicion=True)
    made = after(made, 3, 20, of(3), MATCH_FAILED, suspicion=False)
    assert before(made, 4, 30, of(4), DAY_MS).suspected
    assert not before(made, 4, 10 + DAY_MS, of(4), DAY_MS).suspected
    cleared = after(made, 4, 30, of(4), 0, suspicion=False)
    assert not before(after(cleared, 5, 40, of(5), BOTH, suspicion=False), 6, 50, of(6), DAY_MS).suspected


def test_an_accept_changes_nothing_where_nothing_is_to_clear() -> None:
    """Subjects that never fail cost no write."""
    cleared = history((1, 0, BOTH), (2, 0, 0))
    assert after((), 3, 0, of(3), 0, suspicion=False) == ()
    assert after(cleared, 3, 0, of(3), 0, suspicion=False) is cleared


def test_settling_drops_what_no_later_transaction_can_see() -> None:
    """Entries of a batch that was not committed go, and so does what an accept cleared."""
    made = history((1, 0, BOTH), (2, 0, 0), (3, 0, MATCH_FAILED), (7, 0, LIVENESS_FAILED))
    assert [entry.offset for entry in settled(made, 5)] == [3]
    assert settled(made, 8) == made[2:]


def test_a_history_stays_bounded_and_counts_the_same_however_it_was_cut() -> None:
    """A subject that fails without end neither grows nor gets another count from another batch size."""
    small: History = ()
    large: History = ()
    for offset in range(1, 3 * BOUND):
        small = after(settled(small, offset), offset, 0, of(offset), BOTH, suspicion=False)
        large = after(large, offset, 0, of(offset), BOTH, suspicion=False)
        assert before(small, offset + 1, 0, of(-1), DAY_MS) == before(large, offset + 1, 0, of(-1), DAY_MS)
    assert len(small) == BOUND + 1
    assert before(large, 3 * BOUND, 0, of(-1), DAY_MS).failures == Attempts(match=BOUND, liveness=BOUND)
