"""How often one caller may ask: a bucket for each, in this process, that fills again as time goes by."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic
from typing import Final

_MOST: Final = 4096
"""Callers that are remembered; who asked longest ago is forgotten, and begins with a whole bucket."""


class Pace:
    """So many calls a minute for each caller, all at once too, and then as they come back."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = monotonic) -> None:
        """`a_minute`: at least 1; `clock`: seconds that only grow."""
        self._most, self._clock = float(a_minute), clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str) -> float:
        """Count a call; return 0, or after how many seconds the next is answered, which is then not counted."""
        now = self._clock()
        left, at = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / self._most
        self._left[caller] = (left if wait else left - 1, now)
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        return wait
