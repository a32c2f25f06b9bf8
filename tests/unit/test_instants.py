"""Counts since the Unix epoch: exact to the unit, from the year 1 to the year 9999."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.instants import EPOCH, instant_of, instant_of_us, ms_of, us_of

AWARE = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 - its zone is beside it


@given(AWARE)
def test_an_instant_comes_back_from_its_count(instant: datetime) -> None:
    """Microseconds lose nothing, also where seconds as a float have no room for them; milliseconds round down."""
    assert instant_of_us(us_of(instant)) == instant
    assert timedelta() <= instant - instant_of(ms_of(instant)) < timedelta(milliseconds=1)


def test_the_zone_changes_nothing_and_before_1970_is_negative() -> None:
    """An instant is one, whoever names it."""
    there = EPOCH.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert (ms_of(there), us_of(there)) == (0, 0)
    assert (ms_of(EPOCH - timedelta(microseconds=1)), us_of(EPOCH - timedelta(microseconds=1))) == (-1, -1)


def test_what_python_cannot_name_is_an_overflow() -> None:
    """One error for all; `datetime.fromtimestamp` has three, by platform."""
    for of, count in ((instant_of, 10**15), (instant_of_us, 10**18)):
        with pytest.raises(OverflowError):
            of(count)
