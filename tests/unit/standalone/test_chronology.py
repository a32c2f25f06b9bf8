"""Rows in the order of their times, and what is too far from all others to be of the same log."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.chronology import Survey, Timed, in_order
from proofwatch.tabular import Row

START = datetime(2026, 3, 4, 6, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US = timedelta(microseconds=1)


def us(moment: datetime) -> int:
    return (moment - EPOCH) // US


def timed(times: list[int | None]) -> list[Timed]:
    return [Timed(at, number, Row("log.csv", number + 2, {"a": str(at)})) for number, at in enumerate(times)]


def survey(times: list[int | None]) -> Survey:
    made = Survey()
    for at in times:
        made.add(at)
    return made


def steady(count: int = 300, step: timedelta = timedelta(seconds=14)) -> list[int | None]:
    return [us(START + number * step) for number in range(count)]


def outside(times: list[int | None]) -> tuple[int, int]:
    span = survey(times).span()
    assert span
    return span.before, span.after


@given(st.lists(st.none() | st.integers(-50, 50), max_size=60), st.sampled_from([1, 3, 7, 1000]))
def test_rows_come_in_the_order_of_their_times_wherever_they_are_sorted(times: list[int | None], most: int) -> None:
    """In memory or in runs on disk: the same rows, stable, none lost; those without a time are still there."""
    found = list(in_order(timed(times), survey(times), most=most))
    assert sorted(found, key=lambda each: each.number) == timed(times)
    if not survey(times).newest_first:
        keys = [(each.at_us, each.number) for each in found if each.at_us is not None]
        assert keys == sorted(keys)


def test_a_file_in_order_is_read_as_it_stands() -> None:
    """Nothing is collected, nothing is sorted; blanks stay where they are."""
    times: list[int | None] = [1, None, 1, 2]
    rows = iter(timed(times))
    ordered = in_order(rows, survey(times))
    assert next(ordered).number == 0
    assert next(rows).number == 1


def test_a_file_that_goes_backwards_is_turned_round_within_one_second_too() -> None:
    """Rows of one time are in the order in which they happened: the lower one in the file came first."""
    assert [each.number for each in in_order(timed([3, 2, 2, 1]), survey([3, 2, 2, 1]))] == [3, 2, 1, 0]
    shuffled: list[int | None] = [3, 2, 2, 4, 1]
    assert [each.number for each in in_order(timed(shuffled), survey(shuffled))] == [4, 1, 2, 0, 3]


@pytest.mark.parametrize(
    ("apart", "before", "after"),
    [
        ([datetime(2099, 12, 31, tzinfo=UTC)], 0, 1),
        ([EPOCH], 1, 0),
        ([EPOCH, datetime(2099, 1, 1, tzinfo=UTC)], 1, 1),
        ([EPOCH] * 40, 40, 0),  # a clock that was never set is seldom alone
        ([datetime(2026, 8, 1, tzinfo=UTC)], 0, 1),
        ([datetime(2025, 3, 4, tzinfo=UTC)] * 3, 3, 0),
        ([], 0, 0),
    ],
)
def test_a_row_of_another_clock_is_told_apart(apart: list[datetime], before: int, after: int) -> None:
    """Wherever it stands in the file, and whichever side it is on."""
    times = steady()
    for number, at in enumerate(apart):
        times.insert(100 + 3 * number, us(at))
    assert outside(times) == (before, after)


@pytest.mark.parametrize(
    "times",
    [
        [us(START + timedelta(days=31 * month)) for month in range(12)],  # one a month
        [*steady(), us(START + timedelta(days=20))],  # a late straggler
        [*steady(200), *(us(START + timedelta(days=400, seconds=n)) for n in range(60))],  # a long pause
        [us(START), us(START + timedelta(days=9_000))],  # two rows: neither is the bulk
        [us(START)],
        [*steady(500, timedelta(days=1)), us(START + timedelta(days=900))],  # a pause shorter than the log
    ],
)
def test_a_sparse_log_or_one_with_a_pause_is_whole(times: list[int | None]) -> None:
    """Few rows beyond a gap are set apart only where the gap is out of all proportion."""
    assert outside(times) == (0, 0)


def test_without_any_time_there_is_no_span() -> None:
    """Then the rows are as far apart as the command is told."""
    assert survey([None, None]).span() is None
