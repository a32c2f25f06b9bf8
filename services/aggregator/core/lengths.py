"""The lengths of windows, and what each of them needs beside its number of seconds.

A further length, such as a quarter of an hour, is a further row here and nothing else:

* the first is a minute, for that is what combine counts by;
* the last is a day;
* each is a multiple of the one before, so that windows are summed from the next shorter ones (and all divide the day);
* each divides an hour or is made of whole ones: baselines compare hours (`core.baselines`), and no window lies in two;
* one is of five minutes: whether a segment value left off within a day is told by them (`core.quiet`).

A release that adds a length counts it from then on: its windows lack what was merged before, the first one too.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from services.aggregator.core.times import DAY_S, HOUR_S, MINUTE_S, SECOND_MS

FIVE_MINUTES_S: Final = 300
FIVE_MS: Final = FIVE_MINUTES_S * SECOND_MS


class WindowLength(NamedTuple):
    """A length in seconds.

    `quiet_windows`: after so many windows of its tenant without traffic of its own an anomaly ends (`core.quiet`).
    """

    seconds: int
    quiet_windows: int


LENGTHS: Final = (
    WindowLength(MINUTE_S, quiet_windows=30),
    WindowLength(FIVE_MINUTES_S, quiet_windows=6),
    WindowLength(DAY_S, quiet_windows=2),
)
"""Half an hour of the tenant's own traffic, twice; two days."""


def seconds_of(lengths: Sequence[WindowLength]) -> tuple[int, ...]:
    """Return the lengths in seconds, ascending. Raises ValueError, saying which is wrong and what would be right."""
    seconds = tuple(each.seconds for each in lengths)
    if seconds[:1] != (MINUTE_S,) or seconds[-1:] != (DAY_S,):
        raise ValueError(f"window lengths {seconds}: the first must be {MINUTE_S} s, a minute, the last {DAY_S}, a day")
    for shorter, longer in pairwise(seconds):
        if longer <= shorter or longer % shorter:
            raise ValueError(
                f"a window of {longer} s cannot be summed from windows of {shorter} s: each length must be a multiple "
                f"of the one before"
            )
    for each in seconds:
        if HOUR_S % each and each % HOUR_S:
            raise ValueError(f"a window of {each} s neither divides an hour nor is made of whole ones")
    if FIVE_MINUTES_S not in seconds:
        raise ValueError(f"window lengths {seconds}: one must be {FIVE_MINUTES_S} s; activity is told by five minutes")
    return seconds


LENGTHS_S: Final = seconds_of(LENGTHS)
QUIET_WINDOWS: Final = {each.seconds: each.quiet_windows for each in LENGTHS}
