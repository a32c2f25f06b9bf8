"""Which rows of a file count: what `replay` refuses of it beyond what its reader refuses, and `evaluate` with it.

A log holds a transaction more than once where upstream sent it again (a repeat, or a further attempt) and where two
exports overlap. The scorer tells these apart in the order of times, with a memory of its own; so does this, with the
same memory, for the rows that share a transaction id and for no others.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from proofwatch.chronology import Span, Survey, Timed, in_order
from proofwatch.events.enumerations import DeadLetterReason
from proofwatch.instants import us_of
from proofwatch.intake import Intake
from proofwatch.scorefile.outcome import Outcome
from proofwatch.scorefile.reader import Reader, Reading
from proofwatch.scorefile.trials import Truth, truth_of
from proofwatch.tabular import Table
from services.scorer.core.duplicates import CONFLICT, Recent, Seen

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
NOT_ASKED: Final = "$.checks: are none"


@dataclass(slots=True)
class Shared:
    """A transaction of several rows: which row is its trial, and what its labels say together.

    Its first attempt is the trial, and of labels the latest counts, as in the ledger.
    """

    trial: int | None = None
    pair: tuple[int, str] | None = None
    presentation: tuple[int, str] | None = None

    def truth(self) -> Truth:
        """Return the class of the comparison and of the presentation."""
        return Truth(self.pair and self.pair[1], self.presentation and self.presentation[1])


@dataclass(slots=True)
class RowSelection:
    """What of a file's rows counts, and as what; rows by their number, from 0."""

    intake: Intake
    outcome: Outcome | None = None
    span: Span | None = None
    shared: dict[int, Shared] = field(default_factory=dict)
    conflicts: set[int] = field(default_factory=set)
    repeats: int = 0
    further: int = 0

    def truth(self, number: int, reading: Reading) -> Truth | None:
        """Return what a row counts as; None: as nothing. Tells the outcome what is refused although it can be read."""
        if reading.objection:
            return None
        asked = self.intake.asked(reading.cells)
        if problem := self._problem(number, reading, asked):
            if self.outcome is not None:
                self.outcome.add(problem, reading.line, label=False)
            return None
        name = reading.cells.get("transaction_id") if self.shared else None
        shared = None if name is None else self.shared.get(hash(name))
        known = truth_of(reading) if shared is None else shared.truth() if shared.trial == number else None
        if known is None:
            return None
        compared = "match" in asked
        presentation = known.presentation if "liveness" in asked else None
        return Truth(known.pair if compared else None, presentation, compared)

    def _problem(self, number: int, reading: Reading, asked: Collection[str]) -> str | None:
        if self.span is not None and reading.moment is not None:
            at_us = us_of(reading.moment)
            if not self.span.first_us <= at_us < self.span.end_us:
                return far_off(at_us, reading.line, self.span)[1]
        if not asked:
            return NOT_ASKED
        return CONFLICT if number in self.conflicts else None


def far_off(at_us: int, line: int, span: Span) -> tuple[DeadLetterReason, str]:
    """Return why a row that is years from all others is refused."""
    ahead = at_us >= span.end_us
    side = "after the end" if ahead else "before the beginning"
    message = f"$.occurred_at: line {line} lies far {side} of the rest of the log; set the clock of its system right"
    return "time_ahead" if ahead else "schema_mismatch", message


def intake_of(
    reader: Reader,
    required: frozenset[str],
    tenant: str = "replay",
    start: datetime = START,
    step_s: float = 1.0,
) -> Intake:
    """Return how rows become events; `required`: the checks that the policy demands."""
    return Intake(reader, tenant, "", start, timedelta(seconds=step_s), required)


def select_rows(table: Table, intake: Intake, horizon_ms: int, outcome: Outcome | None = None) -> RowSelection:
    """Return what counts of a file. Reads times and ids once, and rows that share an id once more.

    `horizon_ms`: the policy's duplicate horizon. `outcome` is told of what is refused. Raises `TableError`.
    """
    selection = RowSelection(intake, outcome)
    fields = intake.reader.columns.fields
    columns = {fields[name] for name in ("occurred_at", "transaction_id") if name in fields}
    if not columns:
        return selection
    survey, ids, id_column = Survey(), _Ids(), fields.get("transaction_id")
    for row in table.rows(columns):
        survey.add(intake.at_us(row))
        if id_column is not None and (name := row.values.get(id_column)) is not None:
            ids.add(name)
    selection.span = survey.span()
    if ids.repeated and id_column is not None:
        rows = _rows(table, intake, id_column, ids.repeated)
        _tell(selection, in_order(rows, survey), id_column, horizon_ms)
        if outcome is not None:
            outcome.repeated, outcome.further = selection.repeats, selection.further
    return selection


class _Ids:
    """Which ids stand in more than one row, by their hash: a row too many costs a look, nothing else."""

    def __init__(self) -> None:
        self._met: set[int] = set()
        self.repeated: set[int] = set()

    def add(self, name: str) -> None:
        key = hash(name)
        if key in self._met:
            self.repeated.add(key)
        else:
            self._met.add(key)


def _rows(table: Table, intake: Intake, id_column: str, repeated: set[int]) -> Iterator[Timed]:
    for number, row in enumerate(table.rows(intake.reader.columns.used)):
        name = row.values.get(id_column)
        if name is not None and hash(name) in repeated:
            yield Timed(intake.at_us(row), number, row)


def _tell(selection: RowSelection, rows: Iterator[Timed], id_column: str, horizon_ms: int) -> None:
    """Tell rows that share an id apart, in the order of their times."""
    span, recent, reader = selection.span, Recent(horizon_ms), selection.intake.reader.anew()
    intake = replace(selection.intake, reader=reader, timed=span is not None)
    for place, (at_us, number, row) in enumerate(rows):
        if span is not None and (at_us is None or not span.first_us <= at_us < span.end_us):
            continue
        reading = reader.read(row)
        moment = intake.moment(number, reading)
        shared = selection.shared.setdefault(hash(row.values[id_column]), Shared())
        if reading.objection is None and intake.asked(reading.cells):
            event, _ = intake.events_of(number, reading, None if span is None or at_us is None else at_us // 1000)
            logged_ms, cells, seen = event.timestamp_ms or 0, reading.cells, Seen.FIRST
            if horizon_ms:
                recent.begin(place, logged_ms)
                name, attempt = cells["transaction_id"], cells.get("attempt_id")
                key, value, at_ms = event.key or b"", event.value or b"", round(moment.timestamp() * 1000)
                seen = recent.see(logged_ms, at_ms, intake.tenant, name, attempt, key, value, horizon_ms)
            if seen is Seen.CONFLICTING:
                selection.conflicts.add(number)
                continue
            if seen is Seen.REPEATED:
                selection.repeats += 1
            elif shared.trial is None:
                shared.trial = number
            else:
                selection.further += 1
        _assert(shared, reading, us_of(intake.asserted(moment, reading)))


def _assert(shared: Shared, reading: Reading, at_us: int) -> None:
    """Take what a row's label says; a label that cannot be read says nothing."""
    known = truth_of(reading)
    if known is None or (reading.unfit and reading.unfit.field == "transaction_id"):
        return
    if known.pair is not None:
        shared.pair = _latest(shared.pair, (at_us, known.pair))
    if known.presentation is not None:
        shared.presentation = _latest(shared.presentation, (at_us, known.presentation))


def _latest(one: tuple[int, str] | None, other: tuple[int, str]) -> tuple[int, str]:
    return other if one is None else max(one, other)
