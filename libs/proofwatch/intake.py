"""Turns the rows of a user's own log into the events that upstream would have published. Pure.

Cells are passed on as they were written: a score that is no number, or lies outside [0, 1], reaches the scorer, which
refuses it with a reason, so that one bad row stops nothing and is accounted for.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson

from proofwatch.bus.port import Outgoing
from proofwatch.events import topics
from proofwatch.events.segments import DEVICE
from proofwatch.tabular import Row

FIELDS: Final = (
    "transaction_id",
    "attempt_id",
    "subject_ref",
    "occurred_at",
    "match_score",
    "pair",
    "liveness_score",
    "presentation",
    "pai_species",
)
SEGMENTS: Final = ("split", "sex", "age_band", "skin_tone", "country", "source")
BUILT_IN_SEGMENTS: Final = (*SEGMENTS, *DEVICE)
"""Columns that are segments under their own name; the device's become part of the device."""
_CHECKS: Final = (("match", "match_score", "pair"), ("liveness", "liveness_score", "presentation"))
_AUTHORITY: Final = 50
_LONGEST_ID: Final = 256  # what the schema allows
_EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file means what: field (or built-in segment) → column, custom segment → column."""

    fields: Mapping[str, str]
    segments: Mapping[str, str]
    dropped: tuple[str, ...]

    @classmethod
    def of(cls, present: Collection[str], fields: Mapping[str, str], segments: Mapping[str, str]) -> "Columns":
        """Match the columns of a file; `fields` and `segments` map columns of other names to ours.

        Raises ValueError naming the column when two columns would mean the same, or a mapped one is not there.
        """
        known = (*FIELDS, *BUILT_IN_SEGMENTS)
        renamed = {**fields, **segments}
        for column, meaning in renamed.items():
            if column not in present:
                raise ValueError(f"the mapping names column {column!r}, which the file does not have")
            if column in fields and meaning not in known:
                raise ValueError(f"the mapping sends column {column!r} to {meaning!r}; fields are {', '.join(known)}")
        meant = {name: name for name in known if name in present and name not in renamed}
        for column, meaning in fields.items():
            if meaning in meant:
                raise ValueError(f"columns {meant[meaning]!r} and {column!r} would both be {meaning}")
            meant[meaning] = column
        used = {*meant.values(), *segments}
        return cls(
            fields=meant,
            segments={name: column for column, name in segments.items()},
            dropped=tuple(column for column in present if column not in used),
        )


@dataclass(frozen=True, slots=True)
class Intake:
    """How rows become events: one transaction a row, and a label where the truth is given."""

    columns: Columns
    tenant: str
    file_digest: str
    start: datetime
    step: timedelta
    required: frozenset[str]
    timed: bool = False
    """Whether other rows have a time: then one without is not put anywhere, but left for the scorer to refuse."""

    def events(self, number: int, row: Row, stamp_ms: int | None = None) -> tuple[Outgoing, Outgoing | None]:
        """Return the transaction of row `number` (from 0) and its label.

        `stamp_ms`: when they come to the log, in milliseconds since the Unix epoch; None: at the row's own time.
        """
        cell = self._cells(row)
        moment, occurred_at = self._moment(number, cell.get("occurred_at"))
        transaction_id = cell.get("transaction_id") or f"{self.file_digest}-{number}"
        subject_ref = cell.get("subject_ref") or _own_subject(transaction_id)
        stamp_ms = round(moment.timestamp() * 1000) if stamp_ms is None else stamp_ms
        event: dict[str, Any] = {
            "schema_version": 1,
            "tenant": self.tenant,
            "transaction_id": transaction_id,
            "subject_ref": subject_ref,
            "occurred_at": occurred_at,
            "checks": self._checks(cell),
            "match_score": _score(cell.get("match_score")),
            "liveness_score": _score(cell.get("liveness_score")),
        }
        if "attempt_id" in cell:
            event["attempt_id"] = cell["attempt_id"]
        if device := {ours: value for name, ours in DEVICE.items() if (value := cell.get(name))}:
            event["device"] = device
        if segments := self._segments(row, cell):
            event["segments"] = segments
        key = f"{self.tenant}/{subject_ref}".encode()
        transaction = Outgoing(topics.TRANSACTIONS, key, orjson.dumps(event), timestamp_ms=stamp_ms)
        return transaction, self._label(cell, transaction_id, occurred_at, stamp_ms)

    def _cells(self, row: Row) -> dict[str, str]:
        found = ((name, row.values.get(column)) for name, column in self.columns.fields.items())
        return {name: value for name, value in found if value is not None}

    def at_us(self, row: Row) -> int | None:
        """Return the row's own time in microseconds since the Unix epoch; None: it has none that a window can hold."""
        text = self._cells(row).get("occurred_at")
        moment = None if text is None else _read(text)
        return (moment - _EARLIEST) // _MICROSECOND if moment and _EARLIEST <= moment < _LATEST else None

    def _moment(self, number: int, text: str | None) -> tuple[datetime, str]:
        default = self.start + number * self.step
        if text is None:
            return default, "" if self.timed else default.isoformat()
        moment = _read(text)
        return (default, text) if moment is None else (moment, moment.isoformat())

    def _checks(self, cell: Mapping[str, str]) -> list[str]:
        """Return what upstream asked for.

        A blank score was asked for where its truth is known or the policy demands it; an absent column was not.
        """
        asked = []
        for check, score, truth in _CHECKS:
            known = score in self.columns.fields and (score in cell or truth in cell)
            if known or check in self.required:
                asked.append(check)
        return asked

    def _segments(self, row: Row, cell: Mapping[str, str]) -> dict[str, str]:
        own = {name: cell[name] for name in SEGMENTS if name in cell}
        custom = ((name, row.values.get(column)) for name, column in self.columns.segments.items())
        return own | {name: value for name, value in custom if value is not None}

    def _label(self, cell: Mapping[str, str], transaction_id: str, asserted_at: str, stamp_ms: int) -> Outgoing | None:
        if "pair" not in cell and "presentation" not in cell:
            return None
        label = {
            "schema_version": 1,
            "tenant": self.tenant,
            "transaction_id": transaction_id,
            "label_id": transaction_id,
            "asserted_at": asserted_at,
            "authority": _AUTHORITY,
            **{name: cell[name] for name in ("pair", "presentation", "pai_species") if name in cell},
        }
        key = f"{self.tenant}/{transaction_id}".encode()
        return Outgoing(topics.LABELS, key, orjson.dumps(label), timestamp_ms=stamp_ms)


def _own_subject(transaction_id: str) -> str:
    """Return a subject for a transaction that names none; an id so long that nothing fits before it is digested."""
    named = f"subject-of-{transaction_id}"
    if len(named) <= _LONGEST_ID:
        return named
    return f"subject-of-{hashlib.sha256(transaction_id.encode()).hexdigest()}"


def _read(text: str) -> datetime | None:
    """Return the moment that a cell names, in UTC where it names no zone; None: it names none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _score(text: str | None) -> float | str | None:
    """Return the number a cell holds, or the cell as it is: NaN and words are for the scorer to refuse."""
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return number if number - number == 0 else text
