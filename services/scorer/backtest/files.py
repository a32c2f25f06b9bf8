"""Files as sources: JSON lines of transactions or of verdicts, and tables of scores (CSV or JSON lines).

Log time is the event's own time: a file keeps no other. Lines that no policy could judge are counted by reason.
"""

from collections.abc import Callable, Iterator
from math import ceil
from pathlib import Path
from typing import Any

import msgspec

from proofwatch.chronology import Survey, Timed, in_order
from proofwatch.events.codec import LABEL, TRANSACTION, VERDICT, TransactionCodec
from proofwatch.events.rejected import Rejected
from proofwatch.events.types import Transaction, Verdict
from proofwatch.governance.policy import Policy
from proofwatch.instants import us_of
from proofwatch.scorefile.mapping import Mapping
from proofwatch.tabular import JSON_LINES, TableError
from services.scorer.backtest.arrivals import Arrival, Source, Truths
from services.scorer.backtest.file_source import FileSource
from services.scorer.backtest.table_file import TableFile

__all__ = ["EventFile", "TableFile", "open_file", "transaction_of"]


class EventFile(FileSource):
    """JSON lines of transactions, or of verdicts, from which the transactions are taken back."""

    def __init__(self, path: Path, *, verdicts: bool, tenant: str | None, truths: Truths) -> None:
        """`tenant` None: all of them. Progress is in bytes."""
        super().__init__(path.stat().st_size)
        self._path = path
        self._verdicts = verdicts
        self._tenant = tenant
        self._truths = truths
        # a codec of its own: what it puts right is counted when the event is read
        self._when: Callable[[bytes], Transaction | Verdict] = VERDICT.decode if verdicts else TransactionCodec().decode

    def _arrivals(self) -> Iterator[Arrival]:
        accounts, tenant, truths = self.accounts, self._tenant, self._truths
        verdicts, read, known = self._verdicts, TRANSACTION.decode, bool(self._truths)
        for place, (far, value) in enumerate(self._in_order()):
            self.done += len(value) + 1
            accounts.read += 1
            if far:
                accounts.refused["time_ahead" if far > 0 else "schema_mismatch"] += 1
                continue
            try:
                if verdicts:
                    event = transaction_of(VERDICT.decode(value))
                    value = TRANSACTION.encode(event)
                else:
                    event = read(value)
            except Rejected as error:
                accounts.refused[error.reason] += 1
                continue
            if tenant is not None and event.tenant != tenant:
                accounts.other_tenants += 1
                continue
            truth = truths.of(event.tenant, event.transaction_id) if known else None
            at_ms = ceil(event.occurred_at.timestamp() * 1000)  # never before the event itself
            yield Arrival(place, at_ms, f"{event.tenant}/{event.subject_ref}", value, event, truth)

    def _in_order(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines in the order of their times, as those of a table are.

        Each with 1 or -1 where it lies far after or before all others, else 0.
        """
        survey = Survey()
        for _, value in self._lines():
            survey.add(self._at_us(value))
        span = survey.span()
        rows = (Timed(self._at_us(value), number, value) for number, value in self._lines())
        for at_us, _, value in in_order(rows, survey, bytes):
            far = 0
            if at_us is not None and span is not None:
                far = -1 if at_us < span.first_us else 1 if at_us >= span.end_us else 0
            yield far, value

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        with self._path.open("rb") as file:
            for number, line in enumerate(file):
                if value := line.rstrip():
                    yield number, value

    def _at_us(self, value: bytes) -> int | None:
        try:
            return us_of(self._when(value).occurred_at)
        except Rejected:
            return None


def open_file(
    path: Path,
    old: Policy,
    new: Policy,
    *,
    tenant: str | None = None,
    labels: Path | None = None,
    mapping: Mapping = Mapping(),  # noqa: B008 - frozen
    cap: float = 0.0,
) -> Source:
    """Return the source in `path`, by its suffix and its first line.

    `labels`: JSON lines of labels; a table brings its own. Raises `TableError`, and what reading a table raises.
    """
    found = _first_line(path)
    if found in ("transaction", "verdict"):
        truths = Truths()
        if labels is not None:
            _read_labels(labels, truths)
        return EventFile(path, verdicts=found == "verdict", tenant=tenant, truths=truths)
    if labels is not None:
        raise TableError(f"{labels}: {path} is a table, which brings its labels in the columns pair and presentation")
    required = frozenset(old.required_checks) & frozenset(new.required_checks)
    segments = (*old.segments, *new.segments)
    return TableFile(path, mapping, tenant=tenant or "backtest", segments=segments, required=required, cap=cap)


def transaction_of(verdict: Verdict) -> Transaction:
    """Return the transaction that a verdict is about, as far as the rules look at it."""
    outcomes = (("match", verdict.match_outcome), ("liveness", verdict.liveness_outcome))
    checks: Any = tuple(check for check, outcome in outcomes if outcome != "not_requested")
    return Transaction(
        schema_version=1,
        tenant=verdict.tenant,
        transaction_id=verdict.transaction_id,
        subject_ref=verdict.subject_ref,
        occurred_at=verdict.occurred_at,
        checks=checks,
        match_score=verdict.match_score,
        liveness_score=verdict.liveness_score,
        device=verdict.device,
        timings=verdict.timings,
        segments=verdict.segments,
        attempt_id=verdict.attempt_id,
        matcher_version=verdict.matcher_version,
        pad_version=verdict.pad_version,
    )


def _first_line(path: Path) -> str:
    """Return what the file holds: transaction, verdict or table."""
    if path.suffix.lower() not in JSON_LINES:
        return "table"
    try:
        with path.open("rb") as file:
            line = next((line for line in file if line.strip()), b"")
        document = msgspec.json.decode(line)
    except OSError as error:
        raise TableError(
            f"{path}: cannot be read ({error.strerror}); give the path of a .csv or .jsonl file"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "table"
    if not isinstance(document, dict) or "schema_version" not in document:
        return "table"
    return "verdict" if "basis" in document else "transaction"


def _read_labels(path: Path, truths: Truths) -> None:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        truths.add(LABEL.decode(line))
                    except Rejected as error:
                        raise TableError(f"{path}, line {number}: {error.message}") from error
    except OSError as error:
        raise TableError(f"{path}: cannot be read ({error.strerror}); give a .jsonl file of labels") from error
