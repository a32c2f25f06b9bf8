"""A table of scores (CSV or JSON lines) as a source: sorted by time, and with an account of what was refused."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from proofwatch.bus.records import Outgoing
from proofwatch.chronology import Survey, Timed, in_order
from proofwatch.events.codec import LABEL, TRANSACTION
from proofwatch.events.rejected import Rejected
from proofwatch.intake import Intake
from proofwatch.scorefile.blanks import blanks_of
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS, FIELDS
from proofwatch.scorefile.mapping import SCORES, Mapping, Score
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader, with_times
from proofwatch.scorefile.scores import Scale
from proofwatch.scorefile.trials import check_scales, columns_of, has_decimal_commas
from proofwatch.tabular import Row, open_table
from services.scorer.backtest.arrivals import Arrival, Truth, truth_of
from services.scorer.backtest.file_source import FileSource

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_STEP: Final = timedelta(seconds=1)
_BEFORE: Final = "lies far before the beginning of the rest of the log"
_AFTER: Final = "lies far after the end of the rest of the log"
_KNOWN: Final = frozenset((*FIELDS, *BUILT_IN_SEGMENTS))


class TableFile(FileSource):
    """A table of scores in the columns of `proofwatch replay`: one transaction a row, labels in the row."""

    def __init__(
        self,
        path: Path,
        mapping: Mapping,
        *,
        tenant: str,
        segments: Iterable[str],
        required: frozenset[str],
        cap: float = 0.0,
    ) -> None:
        """`segments` names columns that are segments of one's own. Raises `TableError`.

        `outcome` says what was refused once the arrivals are read; `cap`: the share above which that is too much.
        """
        super().__init__(None)
        table = self._table = open_table(path)
        named = {*mapping.segments.values()}
        own = {name: name for name in segments if name in table.columns and name not in (*_KNOWN, *named)}
        mapping = mapping.model_copy(update={"segments": {**mapping.segments, **own}})
        columns = with_times(table, columns_of(table, mapping))
        check_scales(table, columns, mapping)
        commas = has_decimal_commas(table)
        scales: dict[Score, Scale] = {name: mapping.scale_of(name, decimal_comma=commas) for name in SCORES}
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
        timed = "occurred_at" in columns.fields
        reader = Reader(columns, mapping, scales, blanks=blanks_of(table, columns, mapping, scales))
        self._intake = Intake(reader, tenant, digest, _START, _STEP, required, timed)
        self.outcome = Outcome(table.file, self._intake.reader, cap)

    def _arrivals(self) -> Iterator[Arrival]:
        accounts, events, outcome = self.accounts, self._intake.events, self.outcome
        for number, row, far in self._in_order():
            self.done += 1
            accounts.read += 1
            record, label = events(number, row)
            if row.broken or far:
                accounts.refused["time_ahead" if far == _AFTER else "schema_mismatch"] += 1
                if far:
                    outcome.add(f"$.occurred_at: {far}", row.line, label=False)
                continue
            known = bool(record.headers)  # what is wrong with the row, the reader has said already
            value = record.value or b""
            try:
                event = TRANSACTION.decode(value)
            except Rejected as error:
                accounts.refused[error.reason] += 1
                if known:
                    outcome.add(error.message, row.line, label=False)
                continue
            at_ms = record.timestamp_ms or 0
            truth = self._truth(label, row.line)
            yield Arrival(self.done, at_ms, f"{event.tenant}/{event.subject_ref}", value, event, truth)
        outcome.take_account()

    def _in_order(self) -> Iterator[tuple[int, Row, str]]:
        """Yield each row with its number, in the order of times, and on which side it lies far from all others."""
        intake, table, column = self._intake, self._table, self._intake.reader.columns.fields.get("occurred_at")
        rows = enumerate(table.rows(intake.reader.columns.used))
        if column is None:
            yield from ((number, row, "") for number, row in rows)
            return
        survey = Survey()
        for row in table.rows((column,)):
            survey.add(intake.at_us(row))
        span = survey.span()
        for at_us, number, row in in_order((Timed(intake.at_us(row), number, row) for number, row in rows), survey):
            far = ""
            if at_us is not None and span is not None:
                far = _BEFORE if at_us < span.first_us else _AFTER if at_us >= span.end_us else ""
            yield number, row, far

    def _truth(self, label: Outgoing | None, line: int) -> Truth | None:
        """Return what a label says; one that cannot be read leaves its transaction as it is, without a truth."""
        if label is None:
            return None
        try:
            return truth_of(LABEL.decode(label.value))
        except Rejected as error:
            if label.headers:
                self.outcome.add(error.message, line, label=True)
            return None
