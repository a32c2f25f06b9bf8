"""Attempts by name: five free, then ever longer waits, an end, and nothing that shows which names there are."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from proofwatch.access.throttle import FREE, LIMIT, Attempts, admit, key_of, wait_after

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_five_are_free_and_waits_double_up_to_a_quarter_of_an_hour() -> None:
    """In seconds, by how many have failed."""
    waits = [wait_after(failures).total_seconds() for failures in range(13)]
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert wait_after(10**9) == timedelta(minutes=15)


@given(st.lists(st.floats(0, 2000), max_size=200))
def test_whoever_guesses_has_few_guesses(pauses: list[float]) -> None:
    """However attempts come: nothing is judged while a wait lasts, and never more than a hundred in a row."""
    state, now, judged = Attempts(), NOW, list[datetime]()
    for pause in pauses:
        now += timedelta(seconds=pause)
        verdict = admit(state, now)
        if verdict.wait is None:
            assert not judged or now - judged[-1] >= wait_after(len(judged))
            judged.append(now)
        else:
            assert verdict.wait > timedelta(0)
            assert verdict.after.failures == state.failures, "what is not judged makes nothing longer"
        state = verdict.after
    assert len(judged) <= LIMIT


def test_a_hundred_in_a_row_are_the_end() -> None:
    """No wait helps; somebody enrols the account anew."""
    verdict = admit(Attempts(LIMIT, NOW), NOW + timedelta(days=20))
    assert verdict.wait
    assert verdict.for_ever


def test_a_clock_set_back_makes_a_wait_no_shorter() -> None:
    """It lasts until the same moment."""
    state = Attempts(FREE, NOW)
    assert admit(state, NOW - timedelta(hours=1)).wait == timedelta(hours=1, seconds=30)


def test_what_was_typed_as_a_name_is_not_kept() -> None:
    """It may be a password; any text has a key."""
    assert len({key_of("ada"), key_of("\ud800"), key_of("")}) == 3
