"""Since when a limit is broken: by the days, where they tell, and never the first day of the 28 for want of better."""

import pytest

from services.aggregator.core.limits.begun import Begun, begun
from services.aggregator.core.limits.reading import Days, Promise, read

FNMR = Promise("fnmr", 0.03, 0.01)


def _begun(days: Days, promise: Promise = FNMR, end: int | None = None, species: str = "") -> Begun | None:
    members = {species: days}
    last = max(days) if end is None else end
    found = read(members, last, promise)
    assert found is not None
    return begun(promise.metric, members, last, found)


def test_a_rate_that_changed_within_the_window_began_on_that_day() -> None:
    """Noise of the days before at the limit does not move it, as the largest excess would."""
    days = {day: (2 + (day % 3 == 0), 80) for day in range(14)} | dict.fromkeys(range(14, 28), (8, 80))
    found = _begun(days)
    assert found is not None
    assert abs(found.day - 14) <= 1
    assert found.low <= 14 <= found.high
    assert found.high - found.low <= 8


def test_a_rate_that_did_not_change_began_on_no_day() -> None:
    """It was as high on all days that are known: since when, nobody knows; so of a single day."""
    assert _begun(dict.fromkeys(range(28), (4, 80))) is None
    assert _begun({5: (40, 500)}) is None


def test_days_before_the_window_tell_that_it_began_with_it() -> None:
    """They are known for months."""
    days = dict.fromkeys(range(40), (1, 80)) | dict.fromkeys(range(40, 68), (5, 80))
    found = _begun(days)
    assert found is not None
    assert found.low <= 40 <= found.high


def test_what_was_above_the_limit_before_it_rose_began_before() -> None:
    """From 5 % to 15 % is a change, and not the begin of what is beyond 3 %."""
    assert _begun(dict.fromkeys(range(14), (4, 80)) | dict.fromkeys(range(14, 28), (12, 80))) is None


def test_of_species_only_those_concerned_are_asked() -> None:
    """A species that passes as ever says nothing of the one that began to."""
    promise = Promise("apcer", 0.005)
    mask = {day: (0 if day < 12 else 3, 20) for day in range(24)}
    members = {"mask": mask, "print": dict.fromkeys(range(24), (0, 500))}
    found = read(members, 23, promise)
    assert found is not None
    told = begun("apcer", members, 23, found)
    assert told is not None
    assert told.low <= 12 <= told.high


@pytest.mark.parametrize("first", [0, 9])
def test_injections_began_on_the_first_day_on_which_one_was_accepted(first: int) -> None:
    """They come in waves: nobody has a rate of them before."""
    days = {first: (0, 9), first + 1: (9, 40), first + 2: (8, 30)}
    assert _begun(days, Promise("injection_accept_rate", 0.005), species="deepfake") == Begun(
        first + 1, first + 1, first + 1
    )
