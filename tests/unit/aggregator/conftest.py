"""What the aggregator's unit tests share."""

from collections.abc import Iterator

import pytest

from services.aggregator.core import lengths
from services.aggregator.core.lengths import LENGTHS, WindowLength, seconds_of

QUARTER = WindowLength(900, quiet_windows=2)
ONE_MORE = sorted({each.seconds: each for each in (*LENGTHS, QUARTER)}.values())
"""The same as shipped, should it come to be shipped."""


@pytest.fixture(scope="module", params=[LENGTHS, ONE_MORE], ids=["as shipped", "and a quarter"])
def lengths_in_force(request: pytest.FixtureRequest) -> Iterator[tuple[int, ...]]:
    """The lengths of windows in seconds: those that are shipped, then one row more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lengths, "LENGTHS_S", seconds_of(request.param))
        patch.setattr(lengths, "QUIET_WINDOWS", {each.seconds: each.quiet_windows for each in request.param})
        yield lengths.LENGTHS_S
