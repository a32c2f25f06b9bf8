"""Memory that follows the log batch by batch, and gives the last batch back when its records come again.

A transaction that failed is rolled back, in the database or on Kafka; what was remembered of its records must be too.
"""

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
Change = TypeVar("Change")


class Rewindable(ABC, Generic[Change]):
    """Remembers where the batch in hand began, and in `_undo` what it changed, in order."""

    __slots__ = ("_mark", "_undo")

    def __init__(self) -> None:
        self._mark = -1
        self._undo: list[Change] = []

    def _begin(self, offset: int, source: str) -> None:
        """Begin a batch at `offset`, or begin it anew: then what it changed is taken back.

        Raises `ValueError` for an offset before the last batch: then `source` must be read anew.
        """
        if offset < self._mark:
            msg = f"offset {offset} is before the last batch, which began at {self._mark}: read {source} again"
            raise ValueError(msg)
        if offset == self._mark:
            self._take_back()
        self._undo.clear()
        self._mark = offset

    @abstractmethod
    def _take_back(self) -> None:
        """Reverse what `_undo` holds, the last change first."""


class Generations(Rewindable[Change], Generic[K, V, Change]):
    """What was seen under each key within one horizon of log time.

    Two generations, each a horizon long: to forget is to drop the older one, and at most two horizons and a batch are
    held. New keys of the batch in hand are the last of the young ones, and need no entry in `_undo`.
    """

    __slots__ = ("_before", "_horizon_ms", "_old", "_turn_ms", "_young")

    def __init__(self, horizon_ms: int) -> None:
        """`horizon_ms`: for how many milliseconds of log time to remember."""
        super().__init__()
        self._horizon_ms = horizon_ms
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}
        self._turn_ms: int | None = None
        self._before = 0

    def __len__(self) -> int:
        """Return how many keys are remembered; one seen in both generations counts twice."""
        return len(self._young) + len(self._old)

    def begin(self, offset: int, timestamp_ms: int) -> None:
        """Begin a batch, or begin one anew: `offset` and `timestamp_ms` are those of its first record.

        What was seen since the last batch began at `offset` is forgotten, for those records come again, perhaps cut
        otherwise. Raises `ValueError` for an offset before that: then the horizon must be read anew.
        """
        self._begin(offset, "the horizon")
        if self._turn_ms is None or timestamp_ms >= self._turn_ms:
            self._old, self._young = self._young, {}
            self._turn_ms = timestamp_ms + self._horizon_ms
        self._before = len(self._young)

    def _forget_new_keys(self) -> None:
        while len(self._young) > self._before:
            self._young.popitem()
