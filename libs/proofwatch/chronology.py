"""The rows of a log in the order of their times, whatever the order in which the file has them.

A first pass surveys the times; what is in order already is then read as it stands, what is not is sorted: in memory,
or, when it is big, in runs on disk that are merged. A row far from all others is told apart: a clock was wrong.
"""

import heapq
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from proofwatch.tabular import Row

IN_MEMORY: Final = 250_000
"""Rows that are sorted in memory; more are sorted on disk."""
_DAY_US: Final = 86_400_000_000
_NO_LOG_PAUSES: Final = 3_653
"""Days, ten years: what lies beyond such a gap is of another clock, unless it is a third of the file."""
_LONG: Final = 30
"""Days: beyond such a gap, if it is longer than all the rest, lie a few rows of another clock."""
_MANY: Final = 10


class Timed(NamedTuple):
    """One row: microseconds since the Unix epoch, or None where it has no time; its number from 0; what it holds.

    `row`: a `Row`, or whatever type `in_order` is told of.
    """

    at_us: int | None
    number: int
    row: Any


class Span(NamedTuple):
    """From when to when the log is: the first and the last day that are not apart from it, as microseconds.

    `last_us`: its last row. `before` and `after`: how many rows lie outside.
    """

    first_us: int
    end_us: int
    last_us: int
    before: int
    after: int


class Survey:
    """What the times of a file are like."""

    def __init__(self) -> None:
        self.rows = 0
        self.timed = 0
        self._ups = 0
        self._downs = 0
        self._last: int | None = None
        self._days: Counter[int] = Counter()
        self._newest: dict[int, int] = {}

    def add(self, at_us: int | None) -> None:
        """Take note of the next row's time; None: it has none."""
        self.rows += 1
        if at_us is None:
            return
        self.timed += 1
        day = at_us // _DAY_US
        self._days[day] += 1
        self._newest[day] = max(at_us, self._newest.get(day, at_us))
        last, self._last = self._last, at_us
        if last is not None and at_us != last:
            if at_us > last:
                self._ups += 1
            else:
                self._downs += 1

    @property
    def in_order(self) -> bool:
        """Return whether the file is in the order of its times."""
        return self._downs == 0

    @property
    def newest_first(self) -> bool:
        """Return whether the file goes backwards in time, so that rows of one time do too."""
        return self._downs > _MANY * self._ups

    def span(self) -> Span | None:
        """Return from when to when the log is, by the bulk of its rows; None: no row has a time.

        Rows beyond a gap are apart if they are few: at most a third of the file beyond ten years, at most one in a
        hundred (or one) beyond a gap of more than thirty days that is longer than all the rest lasts.
        """
        if not self._days:
            return None
        days = sorted(self._days.items())
        middle = self._median(days)
        high = self._edge(days, middle, 1, middle)
        low = self._edge(days, middle, -1, high)
        high = self._edge(days, middle, 1, low)
        return Span(
            days[low][0] * _DAY_US,
            (days[high][0] + 1) * _DAY_US,
            self._newest[days[high][0]],
            sum(n for _, n in days[:low]),
            sum(n for _, n in days[high + 1 :]),
        )

    def _median(self, days: Sequence[tuple[int, int]]) -> int:
        below = 0
        for place, (_, n) in enumerate(days):
            below += n
            if 2 * below >= self.timed:
                return place
        raise AssertionError("there are rows")

    def _edge(self, days: Sequence[tuple[int, int]], place: int, step: int, other: int) -> int:
        """Return the last place that is not apart, from `place` on by `step`; `other`: the edge on the other side."""
        rest = sum(n for _, n in (days[place + 1 :] if step > 0 else days[:place]))
        while 0 <= place + step < len(days):
            gap = abs(days[place + step][0] - days[place][0])
            if gap > _NO_LOG_PAUSES and 3 * rest <= self.timed:
                break
            spans = abs(days[place][0] - days[other][0])
            if gap > max(_LONG, spans) and self.timed >= _MANY and rest <= max(1, self.timed // 100):
                break
            place += step
            rest -= days[place][1]
        return place


def in_order(rows: Iterable[Timed], survey: Survey, row: type = Row, most: int = IN_MEMORY) -> Iterator[Timed]:
    """Yield the rows in the order of their times; rows of one time in that of the file, or of a file turned round.

    Rows without a time come first, or stay where they are in a file that is in order. `row`: the type of rows. More
    than `most` rows are sorted on disk, in a temporary directory of about the file's size that is gone at the end.
    """
    if survey.in_order:
        return iter(rows)
    key = _newest_first if survey.newest_first else _oldest_first
    if survey.rows <= most:
        return iter(sorted(rows, key=key))
    return _merged(rows, key, msgspec.json.Decoder(tuple[int | None, int, row]).decode, most)  # type: ignore[valid-type]


_Key = Callable[[Timed], tuple[int, int]]
_encode: Final = msgspec.json.Encoder().encode
_FIRST: Final = -(2**63)


def _oldest_first(timed: Timed) -> tuple[int, int]:
    return (_FIRST if timed.at_us is None else timed.at_us), timed.number


def _newest_first(timed: Timed) -> tuple[int, int]:
    return (_FIRST if timed.at_us is None else timed.at_us), -timed.number


def _merged(
    rows: Iterable[Timed], key: _Key, decode: Callable[[bytes], tuple[int | None, int, Any]], most: int
) -> Iterator[Timed]:
    with tempfile.TemporaryDirectory(prefix="proofwatch-sort-") as directory:
        runs: list[Path] = []
        left = iter(rows)
        while run := list(islice(left, most)):
            runs.append(Path(directory) / f"run-{len(runs)}")
            with runs[-1].open("wb") as file:
                file.writelines(_encode(timed) + b"\n" for timed in sorted(run, key=key))
        with ExitStack() as opened:
            files = [opened.enter_context(run.open("rb")) for run in runs]
            yield from heapq.merge(*((Timed(*decode(line)) for line in file) for file in files), key=key)
