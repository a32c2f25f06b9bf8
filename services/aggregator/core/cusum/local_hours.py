"""Hours of UTC as a tenant's calendar has them: which hour of day and class of day each is, and which date.

An hour has the slot and the date that the local clock shows when it begins. In zones half an hour off, the hour from
14:30 to 15:30 is 14 and the one that begins at 23:30 belongs to the day that ends: what is judged and what it is
compared with are named alike, so a profile is not blurred. It only stands at the phase of UTC.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from proofwatch.governance.calendar import Calendar
from services.aggregator.core.times import HOUR_MS

SLOTS: Final = 48
_BLOCK: Final = 28 * 24


def slots_of(calendar: Calendar, hours: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 24 × (1 on a free day) + the local hour, of each hour since 1970; at least one."""
    return _known(calendar, hours, 0)


def dates_in(calendar: Calendar, hours: NDArray[np.int64]) -> int:
    """Return how many local dates the hours touch."""
    return len(np.unique(_known(calendar, hours, 1))) if len(hours) else 0


def _known(calendar: Calendar, hours: NDArray[np.int64], row: int) -> NDArray[np.int64]:
    first, last = int(hours.min()) // _BLOCK, int(hours.max()) // _BLOCK
    blocks = [_block(calendar, number)[row] for number in range(first, last + 1)]
    found: NDArray[np.int64] = np.concatenate(blocks)[hours - first * _BLOCK]
    return found


@lru_cache(maxsize=500)
def _block(calendar: Calendar, number: int) -> NDArray[np.int64]:
    hours = range(number * _BLOCK, (number + 1) * _BLOCK)
    return np.array([[calendar.slot(at) for at in hours], [calendar.day(at * HOUR_MS).number for at in hours]])
