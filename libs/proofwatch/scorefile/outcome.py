"""Whether so much of a file was refused that its result cannot be relied on, said in one sentence."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from proofwatch.scorefile.account import Account, Objection, Reasons
from proofwatch.scorefile.advice import advice, notes, reasons_said
from proofwatch.scorefile.blanks import blank_notes
from proofwatch.scorefile.reader import THE_ROW, Reader

_LINE: Final = re.compile(r"\bline \d+ ")
"""What makes the messages of equal problems differ; the line is counted beside them."""


@dataclass(slots=True)
class Outcome:
    """What was refused of a file, rows and labels, by its reader and by whoever judged the rows afterwards.

    `cap`: the share above which it is too much; 0: never. `repeated` rows count once, with the row that they repeat;
    of `further` attempts of one transaction the first counts.
    """

    file: str
    reader: Reader
    cap: float
    repeated: int = 0
    further: int = 0
    rows: Reasons = field(default_factory=Reasons)
    labels: Reasons = field(default_factory=Reasons)

    def __post_init__(self) -> None:
        """Begin with what the reader has refused."""
        self.take_account()

    def take_account(self) -> None:
        """Add what the reader has refused since; once, at its end, where this was made before it had read anything."""
        _merge(self.rows, self.account.refused)
        _merge(self.rows, self.account.unfit)
        _merge(self.labels, self.account.refused_labels)

    def add(self, problem: str, line: int, *, label: bool) -> None:
        """Count a row or label that was refused later on; `problem` names the field."""
        name, _, what = _LINE.sub("", problem.removeprefix("$.")).partition(": ")
        if name == "checks":
            name, what = THE_ROW, "has neither a score nor a label that says that one was asked for"
        (self.labels if label else self.rows).add(Objection(name, name, what), line)

    @property
    def account(self) -> Account:
        """Return what the reader read."""
        return self.reader.account

    @property
    def too_much(self) -> bool:
        """Return whether more than the cap was refused, of the rows or of the labels."""
        return bool(self.cap) and (
            self.rows.total > self.cap * self.account.rows or self.labels.total > self.cap * self.account.labels
        )

    def sentence(self) -> str | None:
        """Return in one sentence what was refused, why, and what to change; None: nothing was."""
        parts = []
        for reasons, total, what in (
            (self.rows, self.account.rows, "rows"),
            (self.labels, self.account.labels, "labels"),
        ):
            if count := reasons.total:
                parts.append(f"{count:,} of {total:,} {what} were refused: {reasons_said(reasons)}")
        if not parts:
            return None
        said = f"{self.file}: {'; '.join(parts)}"
        if self.too_much:
            said += f"; that is more than {self.cap * 100:g} % of them: the figures of the rest are not to be relied on"
        change = advice(self.account, self.rows, self.labels)
        if not change:
            return said
        return f"{said}; say in a mapping file {' and '.join(change)}; `proofwatch mapping guess FILE` drafts one"

    def notes(self) -> list[str]:
        """Return what was read otherwise than it stands there, a line each."""
        return [f"{self.file}: {note}" for note in self._notes()]

    def _notes(self) -> list[str]:
        said = [*blank_notes(self.reader.blanks), *self.reader.notes(), *notes(self.account)]
        if self.repeated:
            said.append(f"transaction_id: {self.repeated:,} rows repeat another one, and count once with it")
        if self.further:
            said.append(f"transaction_id: {self.further:,} rows are further attempts; error rates count the first")
        return said

    def document(self) -> dict[str, Any]:
        """Return the account as part of a summary."""
        return {
            "rows": self.account.rows,
            "refused_rows": self.rows.total,
            "repeated_rows": self.repeated,
            "labels": self.account.labels,
            "refused_labels": self.labels.total,
            "reasons": [*_listed(self.rows, "row"), *_listed(self.labels, "label")],
            "notes": self._notes(),
        }


def _merge(into: Reasons, more: Reasons) -> None:
    into.counts += more.counts
    for why, line in more.lines.items():
        into.lines[why] = min(line, into.lines.get(why, line))


def _listed(reasons: Reasons, what: str) -> list[dict[str, Any]]:
    return [
        {"refused": what, "column": why.column, "problem": why.problem, "count": count, "line": reasons.lines[why]}
        for why, count in reasons.commonest()
    ]
