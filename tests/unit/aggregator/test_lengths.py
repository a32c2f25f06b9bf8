"""The lengths of windows: what a further one must be."""

import pytest

from services.aggregator.core.lengths import WindowLength, seconds_of

LEAST = [WindowLength(60, 30), WindowLength(300, 6), WindowLength(86_400, 2)]
"""What there must be; the table itself is looked at when its module is imported."""


def with_(*seconds: int) -> list[WindowLength]:
    return sorted([*LEAST, *(WindowLength(each, 1) for each in seconds)])


@pytest.mark.parametrize("seconds", [600, 900, 1_800, 3_600, 7_200, 43_200])
def test_a_length_that_divides_an_hour_or_a_day_may_be_added(seconds: int) -> None:
    """A quarter of an hour is a row of the table."""
    assert seconds in seconds_of(with_(seconds))


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        (with_(900, 1_200), "a window of 1200 s cannot be summed from windows of 900 s"),
        (with_(420), "a window of 420 s cannot be summed from windows of 300 s"),
        (with_(2_400), "a window of 2400 s neither divides an hour nor is made of whole ones"),
        (with_(5_400), "a window of 5400 s neither divides an hour"),
        (with_(18_000), "a window of 86400 s cannot be summed from windows of 18000 s"),
        (with_(300), "a window of 300 s cannot be summed from windows of 300 s"),
        (with_(30), "the first must be 60 s, a minute"),
        (with_(7 * 86_400), "the last 86400, a day"),
        ([LEAST[0], LEAST[2]], "one must be 300 s"),
        ([], "the first must be 60 s"),
    ],
)
def test_any_other_is_refused_with_what_would_be_right(lengths: list[WindowLength], said: str) -> None:
    """When the module is imported, not when the first window of it is due."""
    with pytest.raises(ValueError, match=said):
        seconds_of(lengths)
