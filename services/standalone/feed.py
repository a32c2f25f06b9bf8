"""A file's rows as a live system would have met them: in the order of their times, each at its own time.

What cannot have been so is set apart before it can move time: a row whose clock was years off becomes a dead letter
here, and one without a time is left to the scorer, which refuses it. A truth comes when it came, by its own column or
the mapping's delay: the labels are a second reading of the file, in an order of their own. What is known later than
its transaction comes with all others of its hour, at its end, and is worked off before anything else comes: the ledger
restates a closed day once for all of them, however many rows are fed at once.
"""

import heapq
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from proofwatch.bus.dead_letters.letter import dead_letter
from proofwatch.bus.records import Outgoing, Record, Rejection, TopicPartition
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


_HOUR_US: Final = 3_600_000_000


class _Due(NamedTuple):
    """Records and when they come, in microseconds; `late` labels come after the transactions of their time."""

    at_us: int
    late: bool
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
        survey, self.broken = Survey(), 0
        fields = intake.reader.columns.fields
        column = fields.get("occurred_at")
        for row in table.rows(() if column is None else (column,)):
            survey.add(intake.at_us(row))
            self.broken += bool(row.broken)
        self.total = survey.rows
        self._table, self._survey, self._span = table, survey, survey.span()
        self._intake = replace(intake, timed=self._span is not None)
        self._labels = self._survey_labels() if self._late else Survey()
        for line in self._lines():
            say(f"{table.file}: {line}\n")

    @property
    def start_ms(self) -> int | None:
        """Return when the log begins, in milliseconds since the Unix epoch; None: no row has a time."""
        return self._span.first_us // 1000 if self._span else None

    @property
    def last_ms(self) -> int:
        """Return the time of the last transaction, in milliseconds since the Unix epoch."""
        return (self._span.last_us if self._span else us_of(self._default(max(0, self.total - 1)))) // 1000

    def chunks(self, size: int = CHUNK) -> Iterator[Sequence[Outgoing]]:
        """Yield transactions and labels of `size` rows at a time. How many they are has no influence on anything."""
        events: Iterator[_Due] = self._rows()
        if self._late:
            events = heapq.merge(events, self._truths(), key=lambda due: due[:2])
        chunk: list[Outgoing] = []
        rows = 0
        for due in events:
            chunk += due.records
            rows += 1
            if rows >= size or due.late:
                yield chunk
                chunk, rows = [], 0
        if chunk:
            yield chunk

    def _survey_labels(self) -> Survey:
        survey, fields = Survey(), self._intake.reader.columns.fields
        columns = [fields[name] for name in ("occurred_at", "labelled_at") if name in fields]
        for number, row in enumerate(self._table.rows(columns)):
            survey.add(self._known_us(number, row))
        return survey

    def _truths(self) -> Iterator[_Due]:
        """Yield the labels that come later than their transactions, those of an hour together."""
        for known_us, labels in groupby(self._later_labels(), key=itemgetter(0)):
            yield _Due(known_us, True, [label for _, label in labels])

    def _later_labels(self) -> Iterator[tuple[int, Outgoing]]:
        intake, used = self._intake, self._intake.reader.columns.used
        rows = (Timed(self._known_us(number, row), number, row) for number, row in enumerate(self._table.rows(used)))
        for known_us, number, row in in_order(rows, self._labels):
            at_us = self._at_us(number, row)
            if row.broken or known_us is None or at_us is None or known_us == at_us or number in self._unlabelled:
                continue
            _, label = intake.events(number, row, known_us // 1000)
            if label is not None:
                yield known_us, label

    def _at_us(self, number: int, row: Row) -> int | None:
        """Return when a row is fed; None: it is far from the others, or has no time."""
        if self._span is None:
            return us_of(self._default(number))
        at_us = self._intake.at_us(row)
        return at_us if at_us is not None and self._span.first_us <= at_us < self._span.end_us else None

    def _known_us(self, number: int, row: Row) -> int | None:
        """Return when a row's label is fed: with its transaction, or at the end of the hour in which it was known."""
        at_us = self._at_us(number, row)
        if at_us is None:
            return None
        if self._span is None:
            known_us = us_of(later(self._default(number), self._intake.reader.mapping.label_delay))
        else:
            known_us = self._intake.label_us(row) or at_us
        return at_us if known_us == at_us else -(-known_us // _HOUR_US) * _HOUR_US

    def _default(self, number: int) -> datetime:
        return self._intake.start + number * self._intake.step

    def _rows(self) -> Iterator[_Due]:
        intake, span = self._intake, self._span
        used = intake.reader.columns.used
        rows = (Timed(intake.at_us(row), number, row) for number, row in enumerate(self._table.rows(used)))
        if span is None:
            for _, number, row in rows:
                at_us = us_of(self._default(number))
                if row.broken:
                    yield _Due(at_us, False, [_broken(intake.events(number, row)[0], number, row)])
                else:
                    yield _Due(at_us, False, self._both(number, row, at_us, None))
            return
        now_us = span.first_us
        for written_us, number, row in in_order(rows, self._survey):
            if written_us is not None and span.first_us <= written_us < span.end_us:
                now_us = written_us
                yield _Due(now_us, False, self._both(number, row, now_us, now_us // 1000))
                continue
            # no label either: its transaction will have no verdict
            event, _ = intake.events(number, row, now_us // 1000)
            if row.broken:
                event = _broken(event, number, row)
            elif written_us is not None:
                event = _apart(event, number, row.line, written_us, span)
            yield _Due(now_us, False, [event])

    def _both(self, number: int, row: Row, at_us: int, stamp_ms: int | None) -> list[Outgoing]:
        """Return the transaction of a row, and its label if that comes at once."""
        reading = self._intake.reader.read(row)
        event, label = self._intake.events_of(number, reading, stamp_ms)
        if label is None or number in self._unlabelled:
            return [event]
        if not self._late:
            return [event, label]
        why = reading.label_refused
        if why is not None and why.field == "labelled_at":
            message = f"$.asserted_at: line {row.line}: {why.problem}"
            return [event, _dead(label, number, "schema_mismatch", message, _LABELS)]
        return [event, label] if self._known_us(number, row) == at_us else [event]

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
