"""Turns the rows of a user's own log into the events that upstream would have published. Pure.

What cannot be read is passed on as it was written, so that the service concerned refuses it with a reason: one bad row
stops nothing and is accounted for. `reader.account` says what that was, in terms of the file.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from proofwatch.bus.records import Outgoing
from proofwatch.events import topics
from proofwatch.events.segments import DEVICE, VERSIONS
from proofwatch.instants import us_of
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS, FIELDS, SEGMENTS, Columns
from proofwatch.scorefile.mapping import Score
from proofwatch.scorefile.reader import Reader, Reading
from proofwatch.scorefile.times import later
from proofwatch.tabular import Row

__all__ = ["BUILT_IN_SEGMENTS", "FIELDS", "LINE", "SEGMENTS", "Columns", "Intake"]

LINE: Final = "proofwatch.line"
"""Header: the line of the file, on records to which its reader had no objection."""
_CHECKS: Final[tuple[tuple[str, Score, str], ...]] = (
    ("match", "match_score", "pair"),
    ("liveness", "liveness_score", "presentation"),
)
_AUTHORITY: Final = 50
_LONGEST_ID: Final = 256  # what the schema allows


@dataclass(frozen=True, slots=True)
class Intake:
    """How rows become events: one transaction a row, and a label where the truth is given.

    `start` and `step` give times to the rows of a file that has none.
    """

    reader: Reader
    tenant: str
    file_digest: str
    start: datetime
    step: timedelta
    required: frozenset[str]
    timed: bool = False
    """Whether other rows have a time: then one without is not put anywhere, but left for the scorer to refuse."""

    def at_us(self, row: Row) -> int | None:
        """Return the row's own time in microseconds since the Unix epoch; None: it has none that a window can hold."""
        moment = self.reader.moment_of(row)
        return None if moment is None else us_of(moment)

    def events(self, number: int, row: Row, stamp_ms: int | None = None) -> tuple[Outgoing, Outgoing | None]:
        """Return the transaction of row `number` (from 0) and its label.

        `stamp_ms`: when they come to the log, in milliseconds since the Unix epoch; None: at the row's own time.
        """
        return self.events_of(number, self.reader.read(row), stamp_ms)

    def events_of(self, number: int, reading: Reading, stamp_ms: int | None = None) -> tuple[Outgoing, Outgoing | None]:
        """Return the same of a row that has been read."""
        cell = reading.cells
        moment, occurred_at = self._moment(number, reading)
        transaction_id = cell.get("transaction_id") or f"{self.file_digest}-{number}"
        subject_ref = cell.get("subject_ref") or _own_subject(transaction_id)
        stamp_ms = round(moment.timestamp() * 1000) if stamp_ms is None else stamp_ms
        event: dict[str, Any] = {
            "schema_version": 1,
            "tenant": self.tenant,
            "transaction_id": "" if "\0" in transaction_id else transaction_id,
            "subject_ref": "" if "\0" in subject_ref else subject_ref,
            "occurred_at": occurred_at,
            "checks": self.asked(cell),
            "match_score": self._score(reading, "match_score"),
            "liveness_score": self._score(reading, "liveness_score"),
        }
        if "attempt_id" in cell:
            event["attempt_id"] = cell["attempt_id"]
        groups = reading.groups
        if device := {ours: value for name, ours in DEVICE.items() if (value := groups.get(name))}:
            event["device"] = device
        event |= {name: groups[name] for name in VERSIONS if name in groups}
        if segments := {name: value for name, value in groups.items() if name not in (*DEVICE, *VERSIONS)}:
            event["segments"] = segments
        key = f"{self.tenant}/{subject_ref}".encode()
        headers = () if reading.refused or reading.unfit else ((LINE, b"%d" % reading.line),)
        transaction = Outgoing(topics.TRANSACTIONS, key, orjson.dumps(event), timestamp_ms=stamp_ms, headers=headers)
        asserted = self.asserted(moment, reading)
        return transaction, self._label(reading, transaction_id, asserted, stamp_ms)

    def asserted(self, moment: datetime, reading: Reading) -> datetime:
        """Return when the truth of a row of `moment` came: as the row says, else as long after it as the mapping."""
        return reading.labelled_at or later(moment, self.reader.mapping.label_delay)

    def label_us(self, row: Row) -> int | None:
        """Return the same in microseconds since the Unix epoch, of a row that is not read yet; None: it has no time."""
        moment = self.reader.label_moment_of(row)
        return None if moment is None else us_of(moment)

    @property
    def late_labels(self) -> bool:
        """Return whether labels may come later than their transactions."""
        return "labelled_at" in self.reader.columns.fields or bool(self.reader.mapping.label_delay)

    def _moment(self, number: int, reading: Reading) -> tuple[datetime, str]:
        """Return a moment for the row, and its time as the event says it: as it was written where it cannot be read."""
        default = self.start + number * self.step
        if reading.moment is not None:
            return reading.moment, reading.moment.isoformat()
        return default, reading.cells.get("occurred_at") or ("" if self.timed else default.isoformat())

    def moment(self, number: int, reading: Reading) -> datetime:
        """Return when row `number` was: its own time, or the one it is given."""
        return self._moment(number, reading)[0]

    def asked(self, cell: Mapping[str, str]) -> list[str]:
        """Return what upstream asked for.

        A blank score was asked for where its truth is known, where blanks of the file mean that (`scorefile.blanks`),
        or where the policy demands it; an absent column was not, nor what a row with a label of the other check lacks.
        """
        asked = []
        labelled = any(truth in cell for _, _, truth in _CHECKS)
        alone = not labelled and any(score in cell for _, score, _ in _CHECKS)
        for check, score, truth in _CHECKS:
            known = score in self.reader.columns.fields and (score in cell or truth in cell)
            blanks = self.reader.blanks.get(score)
            if known or check in self.required or (blanks and blanks.asked(alone=alone)):
                asked.append(check)
        return asked

    def _score(self, reading: Reading, name: Score) -> float | str | None:
        """Return the score, or a cell that cannot be read as it is: it is for the scorer to refuse.

        Where the file's scale is ours the number stays as it was written: what left it by rounding, the scorer counts.
        """
        score, text = reading.scores.get(name), reading.cells.get(name)
        if text is None or not self.reader.scales[name].as_written:
            return text if score is None else score
        try:
            number = float(text)
        except ValueError:
            return text if score is None else score
        return number if number - number == 0 else text

    def _label(self, reading: Reading, transaction_id: str, asserted: datetime, stamp_ms: int) -> Outgoing | None:
        cell = reading.cells
        if "pair" not in cell and "presentation" not in cell:
            return None
        label = {
            "schema_version": 1,
            "tenant": self.tenant,
            "transaction_id": transaction_id,
            "label_id": transaction_id,
            "asserted_at": asserted.isoformat(),
            "authority": _AUTHORITY,
        }
        for name, word in (("pair", reading.pair), ("presentation", reading.presentation)):
            if name in cell:
                label[name] = word or cell[name]
        if reading.species is not None:
            label["pai_species"] = reading.species
        if (kind := reading.attack_class or cell.get("attack_class")) is not None:
            label["attack_class"] = kind
        key = f"{self.tenant}/{transaction_id}".encode()
        headers = () if reading.label_refused or reading.unfit else ((LINE, b"%d" % reading.line),)
        return Outgoing(topics.LABELS, key, orjson.dumps(label), timestamp_ms=stamp_ms, headers=headers)


def _own_subject(transaction_id: str) -> str:
    """Return a subject for a transaction that names none; an id so long that nothing fits before it is digested."""
    named = f"subject-of-{transaction_id}"
    if len(named) <= _LONGEST_ID:
        return named
    return f"subject-of-{hashlib.sha256(transaction_id.encode()).hexdigest()}"
