"""How long a lane lets records gather: where every batch costs the stages after it something, however small it is."""

from typing import Final

_SHORTEST: Final = 0.4
"""Of the longest wait. Twice as many batches at most, of which each is large: what they cost is little a record."""


class Linger:
    """Says when the next batch may begin. Times in seconds, by any clock that does not go back.

    Few records wait for `linger_s` from one beginning to the next. Where `enough` come sooner, the wait is as long as
    they take to come, so that a batch that is sent slowly does not add to a long wait just when there is traffic.
    """

    def __init__(self, linger_s: float, enough: int) -> None:
        """`enough`: records for which a batch is worth its cost; 0: no number is."""
        self._linger_s = linger_s
        self._enough = enough
        self._began_s: float | None = None
        self._not_before = 0.0

    def began(self, records: int, now_s: float, *, full: bool) -> None:
        """Take note of a batch; after a `full` one, more wait already."""
        before_s, self._began_s = self._began_s, now_s
        self._not_before = now_s + (self._wait_s(records, before_s, now_s) if records and not full else 0.0)

    def rest_s(self, now_s: float) -> float:
        """Return how long to wait yet; 0 or less: begin."""
        return self._not_before - now_s

    def _wait_s(self, records: int, before_s: float | None, now_s: float) -> float:
        if not self._enough or before_s is None or now_s <= before_s:
            return self._linger_s
        enough_s = self._enough * (now_s - before_s) / records  # at the rate of this batch
        return min(self._linger_s, max(enough_s, _SHORTEST * self._linger_s))
