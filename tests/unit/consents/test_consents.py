"""Which word of a subject holds: whatever the order in which words come, and never one that was withdrawn."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.governance.consents import Word, prevailing, state_of, told
from proofwatch.governance.release import ConsentState

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

instants = st.integers(0, 4).map(lambda hours: NOON + hours * HOUR)
words = st.builds(
    lambda granted, at, ends: Word(granted, at, ends if granted else None),
    st.booleans(),
    instants,
    st.none() | instants.map(lambda each: each + 10 * HOUR),
)


def held(said: Sequence[Word]) -> Word | None:
    found: Word | None = None
    for each in said:
        found = prevailing(found, each)
    return found


@given(st.lists(words, min_size=1, max_size=4))
def test_the_order_of_arrival_does_not_matter(said: list[Word]) -> None:
    """Late, twice, in any order: the same word holds."""
    assert len({held(order) for order in permutations(said)}) == 1
    assert held([*said, *said]) == held(said)


@given(st.lists(words, min_size=1, max_size=6))
def test_nothing_said_before_a_withdrawal_counts_after_it(said: list[Word]) -> None:
    """Where consent is in force, each withdrawal was said strictly before the grant that holds."""
    holds = held(said)
    if state_of(holds, NOON) is ConsentState.GRANTED:
        assert holds is not None
        assert all(each.asserted_at < holds.asserted_at for each in said if not each.granted)


def test_of_one_instant_the_withdrawal_holds() -> None:
    """When in doubt nothing is released."""
    both = (Word(granted=True, asserted_at=NOON), Word(granted=False, asserted_at=NOON))

    assert [held(order) for order in permutations(both)] == [both[1], both[1]]


def test_of_two_grants_of_one_instant_the_one_that_ends_first_holds() -> None:
    """One without an end ends last."""
    early, late, never = (Word(True, NOON, end) for end in (NOON + HOUR, NOON + 2 * HOUR, None))

    assert {held(order) for order in permutations((early, late, never))} == {early}


def test_a_grant_ends_at_its_instant_and_not_before() -> None:
    """Whoever asks at the instant of its end is told that it has expired."""
    word = Word(True, NOON, NOON + HOUR)

    assert state_of(word, NOON + HOUR - timedelta(microseconds=1)) is ConsentState.GRANTED
    assert state_of(word, NOON + HOUR) is ConsentState.EXPIRED
    assert state_of(None, NOON) is ConsentState.NONE
    assert state_of(Word(granted=False, asserted_at=NOON), NOON) is ConsentState.WITHDRAWN


def test_a_clock_that_is_ahead_outlasts_no_withdrawal() -> None:
    """A grant that claims to be of next year counts as of when it was logged; so the withdrawal after it holds."""
    grant = told(True, NOON + timedelta(days=365), None, NOON)
    withdrawal = told(False, NOON + HOUR, None, NOON + HOUR)

    assert grant.asserted_at == NOON
    assert held([grant, withdrawal]) == withdrawal
    assert held([withdrawal, grant]) == withdrawal


def test_a_withdrawal_has_no_end() -> None:
    """An end beside it, which the schema allows, does not bring the consent back."""
    assert told(False, NOON, NOON + HOUR, NOON).expires_at is None
