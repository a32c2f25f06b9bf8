"""Controls and attack patterns on a time axis: records that replace each other, with a version."""

from bisect import bisect_right, insort
from collections.abc import Callable
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from proofwatch.events.types import AttackPattern, Control
from proofwatch.governance.regime import FOREVER_MS
from proofwatch.instants import ms_of

T = TypeVar("T", bound=Control | AttackPattern)
About = tuple[str, ...]


class TimedRecord(NamedTuple, Generic[T]):
    """One accepted record. `rank` says which of two records about the same thing replaces the other."""

    begins_ms: int
    offset: int
    ends_ms: int
    rank: tuple[int, int]
    record: T


class TimedRecords(Generic[T]):
    """The accepted records of one topic.

    A record takes effect at its `effective_from`, or, when it reached the log too late for that, the lead time after
    its log time: a protective measure that was held up by an outage is late, but not lost.
    """

    def __init__(
        self, lead_ms: int, about: Callable[[T], About], rank: Callable[[T], int], on: Callable[[T], bool]
    ) -> None:
        """`about`: what a record is about; `rank`: a higher one replaces a lower; `on`: whether it begins something."""
        self._lead_ms = lead_ms
        self.about = about
        self._rank = rank
        self._on = on
        self._lines: dict[About, list[TimedRecord[T]]] = {}
        self._begins: list[tuple[int, int]] = []
        self._versions: list[int] | None = []

    def add(self, record: T, log_ms: int, offset: int) -> TimedRecord[T]:
        """Take a record."""
        begins_ms = max(ms_of(record.effective_from), log_ms + self._lead_ms)
        ends_ms = FOREVER_MS if record.expires_at is None else ms_of(record.expires_at)
        measure = TimedRecord(begins_ms, offset, ends_ms, (self._rank(record), offset), record)
        insort(self._lines.setdefault(self.about(record), []), measure, key=attrgetter("begins_ms", "offset"))
        insort(self._begins, (begins_ms, offset))
        self._versions = None
        return measure

    def in_force(self, about: About, at_ms: int) -> T | None:
        """Return the record in force about one thing; None: none, or it was turned off, or it has expired."""
        line = self._lines.get(about, [])
        begun = line[: bisect_right(line, at_ms, key=attrgetter("begins_ms"))]
        last = max(begun, key=attrgetter("rank"), default=None)
        return last.record if last and self._on(last.record) and at_ms < last.ends_ms else None

    def all(self) -> list[TimedRecord[T]]:
        """Return every accepted record, by when it takes effect."""
        return sorted((m for line in self._lines.values() for m in line), key=attrgetter("begins_ms", "offset"))

    def version(self, at_ms: int) -> int:
        """Return the offset of the newest record that has taken effect, plus one; 0: none has."""
        if self._versions is None:
            highest, self._versions = 0, []
            for _, offset in self._begins:
                highest = max(highest, offset + 1)
                self._versions.append(highest)
        count = bisect_right(self._begins, at_ms, key=lambda each: each[0])
        return self._versions[count - 1] if count else 0


def control_records(lead_ms: int) -> TimedRecords[Control]:
    """Return the axis of controls: one switch for each measure and cohort, the later effective_from wins."""
    return TimedRecords(
        lead_ms,
        about=lambda c: (c.measure, c.tenant, c.segment_name or "", c.segment_value or ""),
        rank=lambda c: ms_of(c.effective_from),
        on=lambda c: c.state == "on",
    )


def pattern_records(lead_ms: int) -> TimedRecords[AttackPattern]:
    """Return the axis of attack patterns: the highest revision of each wins."""
    return TimedRecords(
        lead_ms, about=lambda p: (p.pattern_id,), rank=lambda p: p.revision, on=lambda p: p.state != "withdrawn"
    )
