"""How far each stage has come, told from what is published and from durable positions. Pure.

Inputs have numbers 0, 1, 2 … in the order in which they are due.
"""

from collections import defaultdict, deque
from collections.abc import Mapping


class Done:
    """Which inputs a stage has done."""

    def __init__(self) -> None:
        self.count = 0
        self.repeated = 0
        self._flags = bytearray()
        self._oldest = 0

    def add(self, number: int) -> None:
        """Note that input `number` is done; again: it is counted as repeated."""
        flags = self._flags
        if number >= len(flags):
            flags.extend(bytes(max(number + 1 - len(flags), len(flags))))
        if flags[number]:
            self.repeated += 1
        else:
            flags[number] = 1
            self.count += 1

    @property
    def oldest(self) -> int:
        """The least number that is not done."""
        flags, at = self._flags, self._oldest
        while at < len(flags) and flags[at]:
            at += 1
        self._oldest = at
        return at


class Queue:
    """Records of a topic in the order of each partition, and how far somebody has taken them.

    `tag` is what is known of a record: the number of its input, or its time.
    """

    def __init__(self, done: Done | None = None) -> None:
        """`done` is told the tag of every record that was taken."""
        self._waiting: dict[int, deque[tuple[int, int]]] = defaultdict(deque)
        self._positions: dict[int, int] = {}
        self._done = done

    def publish(self, partition: int, offset: int, tag: int) -> None:
        """Note a record; a position may have been seen before the record that lies below it."""
        if offset < self._positions.get(partition, 0):
            self._note(tag)
        else:
            self._waiting[partition].append((offset, tag))

    def take(self, positions: Mapping[int, int]) -> None:
        """Note positions, by partition: everything below has been taken."""
        for partition, position in positions.items():
            self._positions[partition] = max(position, self._positions.get(partition, 0))
            waiting = self._waiting[partition]
            while waiting and waiting[0][0] < position:
                self._note(waiting.popleft()[1])

    @property
    def oldest(self) -> int | None:
        """The tag of the record that waits longest; None: nothing waits."""
        return min((waiting[0][1] for waiting in self._waiting.values() if waiting), default=None)

    def _note(self, tag: int) -> None:
        if self._done:
            self._done.add(tag)


class Merged:
    """Up to which position of its source the tallies that were merged reach.

    Tallies of one source are spread over partitions, each taken at its own pace: what counts is the slowest.
    """

    def __init__(self) -> None:
        self.tallied: dict[int, int] = {}
        """By partition of the source: up to where there are tallies."""
        self._waiting: dict[int, deque[tuple[int, int, int]]] = defaultdict(deque)
        self._positions: dict[int, int] = {}

    def publish(self, partition: int, offset: int, source: int, before: int, after: int) -> None:
        """Note a tally of the half-open range [before, after) of a source's partition."""
        self.tallied[source] = max(after, self.tallied.get(source, 0))
        if offset >= self._positions.get(partition, 0):
            self._waiting[partition].append((offset, source, before))

    def take(self, positions: Mapping[int, int]) -> None:
        """Note the positions in the partitions of the tallies."""
        for partition, position in positions.items():
            self._positions[partition] = max(position, self._positions.get(partition, 0))
            waiting = self._waiting[partition]
            while waiting and waiting[0][0] < position:
                waiting.popleft()

    @property
    def merged(self) -> dict[int, int]:
        """By partition of the source: up to where all tallies are merged."""
        merged = dict(self.tallied)
        for waiting in self._waiting.values():
            for _, source, before in waiting:
                merged[source] = min(before, merged[source])
        return merged
