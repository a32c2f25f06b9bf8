"""Transactions seen lately in one partition: which are repeats, and which contradict the first.

A function of one horizon of the log: a record is compared with the newest valid one of its transaction before it,
if that is younger than the horizon. Repeats and conflicts are remembered like any other, so that what is told does
not depend on records older than a horizon, and can be told again after a restart by reading just that much. Kept are
64-bit hashes under the process's own hash key, 100 to 170 bytes a record; nothing of this is ever written down.
"""

from array import array
from bisect import bisect_left
from enum import Enum
from typing import Final

_SIXTY_BITS: Final = (1 << 60) - 1  # the widest that CPython keeps in two digits: 32 bytes, not 48
_COMPACT_AT: Final = 4096


class Seen(Enum):
    """What is known about a transaction."""

    FIRST = "first"
    REPEATED = "repeated"
    CONFLICTING = "conflicting"


class Recent:
    """The records of one partition, not older than a horizon.

    Offsets must ascend, except after `rewind`. Log time is expected to ascend too, as log-append time does; where it
    does not, a repeat may be missed that is nearly a horizon old.
    """

    # Entries are numbered from 0 on; number n lies at index n - _base of every array, alive from _oldest on.
    __slots__ = ("_base", "_horizon_ms", "_numbers", "_offsets", "_oldest", "_payloads", "_timestamps", "_transactions")

    def __init__(self, horizon_ms: int) -> None:
        """`horizon_ms`: milliseconds of log time in which a transaction id must not come again; 0: it may at once."""
        self._horizon_ms = horizon_ms
        self._numbers: dict[int, int] = {}
        self._offsets, self._timestamps = array("q"), array("q")
        self._transactions, self._payloads = array("q"), array("q")
        self._base = self._oldest = 0

    def __len__(self) -> int:
        """Return how many records are remembered."""
        return len(self._offsets) - (self._oldest - self._base)

    def see(self, offset: int, timestamp_ms: int, tenant: str, transaction_id: str, value: bytes) -> Seen:
        """Say whether the record's transaction was seen before, and remember it."""
        transaction, payload = hash((tenant, transaction_id)) & _SIXTY_BITS, hash(value)
        seen = Seen.FIRST
        number = self._numbers.get(transaction)
        if number is not None:
            at = number - self._base
            if timestamp_ms - self._timestamps[at] < self._horizon_ms:
                seen = Seen.REPEATED if payload == self._payloads[at] else Seen.CONFLICTING
        self._numbers[transaction] = self._base + len(self._offsets)
        self._offsets.append(offset)
        self._timestamps.append(timestamp_ms)
        self._transactions.append(transaction)
        self._payloads.append(payload)
        return seen

    def rewind(self, offset: int) -> None:
        """Forget what was seen at `offset` and above: those records come again."""
        if not len(self) or self._offsets[-1] < offset:
            return
        keep = bisect_left(self._offsets, offset, self._oldest - self._base)
        for column in (self._offsets, self._timestamps, self._transactions, self._payloads):
            del column[keep:]
        # An id that came again stands for its earlier record once more: number all of them anew.
        first = self._oldest - self._base
        self._numbers = {id_: self._oldest + n for n, id_ in enumerate(self._transactions[first:])}

    def expire(self, now_ms: int) -> None:
        """Forget what is a horizon old at log time `now_ms`; every entry is moved or dropped at most twice."""
        oldest_ms = now_ms - self._horizon_ms
        at = self._oldest - self._base
        while at < len(self._timestamps) and self._timestamps[at] <= oldest_ms:
            if self._numbers[self._transactions[at]] == self._base + at:  # else it came again
                del self._numbers[self._transactions[at]]
            at += 1
        self._oldest = self._base + at
        if at >= _COMPACT_AT and at * 2 >= len(self._timestamps):
            for column in (self._offsets, self._timestamps, self._transactions, self._payloads):
                del column[:at]
            self._base = self._oldest
