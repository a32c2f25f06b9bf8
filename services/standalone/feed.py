"""A file's rows as a live system would have met them: in the order of their times, each at its own time.

What cannot have been so is set apart before it can move time: a row whose clock was years off becomes a dead letter
here, and one without a time is left to the scorer, which refuses it. A truth comes when it came, by its own column or
the mapping's delay: the labels are a second reading of the file, in an order of their own.
"""

import heapq
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Final, NamedTuple

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.port import Outgoing, Record, Rejection, TopicPartition
from proofwatch.chronology import IN_MEMORY, Span, Survey, Timed, in_order
from proofwatch.events import topics
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.instants import instant_of_us, us_of
from proofwatch.intake import Intake
from proofwatch.scorefile.times import later
from proofwatch.tabular import Row, Table
from services.standalone.row_selection import far_off

CHUNK: Final = 2_500
GROUP: Final = "replay"
"""As its dead letters call it: it has no lane, and publishes them itself."""
_AT: Final = TopicPartition(topics.TRANSACTIONS, 0)
_LABELS: Final = TopicPartition(topics.LABELS, 0)


class _Due(NamedTuple):
    """Records and when they come, in microseconds; at one time labels come after transactions."""

    at_us: int
    label: bool
    records: list[Outgoing]


class Feed:
    """The events of a file, in order. Reads the file once to survey its times; says what is not as it should be."""

    def __init__(
        self,
        table: Table,
        intake: Intake,
        say: Callable[[str], object] = sys.stderr.write,
        unlabelled: Container[int] = (),
        *,
        when_known: bool = False,
    ) -> None:
        """`unlabelled`: rows that contradict their transaction, by number: what they say of it is no truth.

        `when_known`: labels come when they came; else each with its transaction, whatever the file says. Raises
        `TableError`.
        """
        self._unlabelled, self._late = unlabelled, when_known and intake.late_labels
        survey, labels, self.broken = Survey(), Survey(), 0
        fields = intake.reader.columns.fields
        for row in table.rows([fields[name] for name in ("occurred_at", "labelled_at") if name in fields]):
            survey.add(intake.at_us(row))
            if self._late:
                labels.add(intake.label_us(row))
            self.broken += bool(row.broken)
        self.total = survey.rows
        self._table, self._survey, self._labels, self._span = table, survey, labels, survey.span()
        self._intake = replace(intake, timed=self._span is not None)
        for line in self._lines():
            say(f"{table.file}: {line}\n")

    @property
    def start_ms(self) -> int | None:
        """Return when the log begins, in milliseconds since the Unix epoch; None: no row has a time."""
        return self._span.first_us // 1000 if self._span else None

    def chunks(self, size: int = CHUNK) -> Iterator[Sequence[Outgoing]]:
        """Yield transactions and labels of `size` rows at a time. How many they are has no influence on anything."""
        events: Iterator[_Due] = self._rows()
        if self._late:
            events = heapq.merge(events, self._truths(), key=lambda due: due[:2])
        while chunk := list(islice(events, size)):
            yield [record for due in chunk for record in due.records]

    def _truths(self) -> Iterator[_Due]:
        """Yield the labels of the rows whose transactions can have a verdict, in the order in which they came."""
        intake, span = self._intake, self._span
        rows = (
            Timed(self._known_us(number, row), number, row)
            for number, row in enumerate(self._table.rows(intake.reader.columns.used))
        )
        for known_us, number, row in in_order(rows, self._labels):
            at_us = intake.at_us(row)
            apart = span is not None and (at_us is None or not span.first_us <= at_us < span.end_us)
            if known_us is None or apart or row.broken or number in self._unlabelled:
                continue
            reading = intake.reader.read(row)
            _, label = intake.events_of(number, reading, known_us // 1000)
            if label is None:
                continue
            why = reading.label_refused
            if why is not None and why.field == "labelled_at":
                message = f"$.asserted_at: line {row.line}: {why.problem}"
                label = _dead(label, number, "schema_mismatch", message, _LABELS)
            yield _Due(known_us, True, [label])

    def _known_us(self, number: int, row: Row) -> int | None:
        if self._span is not None:
            return self._intake.label_us(row)
        return us_of(later(self._default(number), self._intake.reader.mapping.label_delay))

    def _default(self, number: int) -> datetime:
        return self._intake.start + number * self._intake.step

    def _rows(self) -> Iterator[_Due]:
        intake, span = self._intake, self._span
        used = intake.reader.columns.used
        rows = (Timed(intake.at_us(row), number, row) for number, row in enumerate(self._table.rows(used)))
        if span is None:
            for _, number, row in rows:
                event, label = intake.events(number, row)
                records = [_broken(event, number, row)] if row.broken else self._both(number, event, label)
                yield _Due(us_of(self._default(number)), False, records)
            return
        now_us = span.first_us
        for at_us, number, row in in_order(rows, self._survey):
            if at_us is not None and span.first_us <= at_us < span.end_us:
                now_us = at_us
                yield _Due(now_us, False, self._both(number, *intake.events(number, row, at_us // 1000)))
                continue
            # no label either: its transaction will have no verdict
            event, _ = intake.events(number, row, now_us // 1000)
            if row.broken:
                event = _broken(event, number, row)
            elif at_us is not None:
                event = _apart(event, number, row.line, at_us, span)
            yield _Due(now_us, False, [event])

    def _both(self, number: int, event: Outgoing, label: Outgoing | None) -> list[Outgoing]:
        return [event] if label is None or self._late or number in self._unlabelled else [event, label]

    def _lines(self) -> Iterator[str]:
        survey, span = self._survey, self._span
        if span is None:
            if self._late and "labelled_at" in self._intake.reader.columns.fields:
                yield "its transactions have no times, so labelled_at says nothing and is not read"
            return
        if blank := survey.rows - survey.timed - self.broken:
            yield f"{blank:,} of {survey.rows:,} rows have no time that can be read, and are refused"
        if outside := span.before + span.after:
            where = f"{_day(span.first_us)} to {_day(span.end_us - 1)}, where the rest of the log lies"
            yield f"{outside:,} rows have a time far outside of {where}; they are set apart as dead letters"
        if not survey.in_order:
            how = "newest first" if survey.newest_first else "not in the order of its times"
            place = "in memory" if survey.rows <= IN_MEMORY else "on disk, in the directory for temporary files"
            yield f"is {how}; its {survey.rows:,} rows are sorted by time first, {place}"


def _apart(event: Outgoing, number: int, line: int, at_us: int, span: Span) -> Outgoing:
    """Return the dead letter of a row that is years from all others; its offset is the row's number."""
    reason, message = far_off(at_us, line, span)
    return _dead(event, number, reason, message)


def _broken(event: Outgoing, number: int, row: Row) -> Outgoing:
    """Return the dead letter of a row that is none: nothing of it could be read."""
    return _dead(event, number, "schema_mismatch", f"$: line {row.line} {row.broken}")


def _dead(event: Outgoing, number: int, reason: DeadLetterReason, message: str, at: TopicPartition = _AT) -> Outgoing:
    record = Record(number, event.timestamp_ms or 0, event.key, event.value, event.headers)
    return dead_letter(Rejection(record, reason, message), at, GROUP)


def _day(at_us: int) -> str:
    return f"{instant_of_us(at_us):%Y-%m-%d}"
