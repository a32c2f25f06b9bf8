"""Spans of time as the routes file writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.core.durations import milliseconds, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0s", 0), ("30s", 30_000), ("5m", 300_000), ("4h", 14_400_000), ("1d", 86_400_000), ("1h30m", 5_400_000)],
)
def test_a_span_is_read_and_written(text: str, expected: int) -> None:
    """In the units that people say."""
    assert milliseconds(text) == expected
    assert words(expected) == text


@pytest.mark.parametrize("text", ["", "5", "5 m", "-5m", "1.5h", "5M", "m", "5ms", "٣m", "1h\n", 300, None, True])
def test_what_is_no_span_is_refused_with_what_would_be_right(text: object) -> None:
    """A number without a unit is none: nobody knows of what."""
    with pytest.raises(ValueError, match="write 30s, 5m, 4h, 1d or 1h30m"):
        milliseconds(text)


@given(seconds=st.integers(0, 99_999 * 86_400))
def test_what_is_written_is_read_as_the_same(seconds: int) -> None:
    """Of whole seconds."""
    assert milliseconds(words(seconds * 1000)) == seconds * 1000
