"""Reads rows of a score file: what each says, in our words, and why it is refused. One reading for every command."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final

from proofwatch.biometrics.spellings import attack_kind_of, attack_kind_word
from proofwatch.biometrics.trials import ATTACK
from proofwatch.scorefile.account import Account, Blanks, Facts, Objection
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS, Columns
from proofwatch.scorefile.labels import LONGEST_SPECIES, YES_OR_NO, group_of, pair_of, presentation_of
from proofwatch.scorefile.mapping import SCORES, Score, values_of
from proofwatch.scorefile.mapping import Mapping as MappingFile
from proofwatch.scorefile.scores import Scale, Unusable, says_nothing
from proofwatch.scorefile.times import EPOCHS, Times, Unreadable, form_said, last_moment, later
from proofwatch.tabular import Row, Table

_GOOD: Final = {"match_score": ("pair", "genuine"), "liveness_score": ("presentation", "bona_fide")}
_LONGEST_ID: Final = 256
_NO_BLANKS: Final[Mapping[Score, Blanks]] = MappingProxyType({})
AMBIGUOUS: Final = "is a yes or no, and does not say to what"
UNKNOWN: Final = "is no spelling that is known"
BLANK_TIME: Final = "is blank, where other rows have a time"
THE_ROW: Final = "the row"
EARLY: Final = "lies before its transaction"
NOTHING: Final = "and its label are blank: nothing was asked"


@dataclass(slots=True)
class Reading:
    """One row in our words. `cells`: text by field, as it stands there where it could not be read.

    `refused`: no score that can be judged. `unfit`: no transaction, for another reason. `label_refused`: the truth is
    in no known spelling, or came at no time that can be. `labelled_at`: when it came, where the row says it. `groups`:
    values by segment, the device's among them.
    """

    line: int
    cells: dict[str, str]
    scores: dict[str, float | None] = field(default_factory=dict)
    moment: datetime | None = None
    pair: str | None = None
    presentation: str | None = None
    species: str | None = None
    attack_class: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    refused: Objection | None = None
    unfit: Objection | None = None
    label_refused: Objection | None = None
    labelled_at: datetime | None = None

    @property
    def objection(self) -> Objection | None:
        """Return why the row is no transaction that can be judged."""
        return self.refused or self.unfit

    @property
    def labelled(self) -> bool:
        """Return whether the row says a truth that can be read."""
        return self.label_refused is None and (self.pair is not None or self.presentation is not None)


class Reader:
    """Reads rows by columns, mapping and scales, and accounts for what it read."""

    def __init__(
        self,
        columns: Columns,
        mapping: MappingFile,
        scales: Mapping[Score, Scale],
        account: Account | None = None,
        *,
        blanks: Mapping[Score, Blanks] = _NO_BLANKS,
    ) -> None:
        """`scales`: how each score is read; where one is not given, by the mapping.

        `blanks`: what a blank score means (`scorefile.blanks`); without it that nothing was asked.
        """
        self.columns = columns
        self.blanks = blanks
        self.mapping = mapping
        self.scales: dict[Score, Scale] = {name: scales.get(name) or mapping.scale_of(name) for name in SCORES}
        self.account = account or Account()
        self.times = Times(mapping.time_format, mapping.zone)
        self._clock = Times(mapping.time_format, mapping.zone)
        self._label_times = Times(mapping.time_format, mapping.zone)
        self._label_clock = Times(mapping.time_format, mapping.zone)
        self._values = values_of(mapping)
        self._fields = tuple(columns.fields.items())
        self._scores = tuple(name for name in SCORES if name in columns.fields)
        self._segments = (
            *((name, columns.fields[name]) for name in BUILT_IN_SEGMENTS if name in columns.fields),
            *columns.segments.items(),
        )
        self._facts = {name: self.account.facts.setdefault(name, Facts()) for name in self._scores}

    def anew(self) -> "Reader":
        """Return a reader of the same kind whose account is empty."""
        return Reader(self.columns, self.mapping, self.scales, blanks=self.blanks)

    def read(self, row: Row) -> Reading:
        """Return what a row says."""
        values, account = row.values, self.account
        account.rows += 1
        if row.broken:
            why = Objection(THE_ROW, THE_ROW, row.broken)
            account.refused.add(why, row.line)
            return Reading(row.line, {}, refused=why)
        cells = {name: text for name, column in self._fields if (text := values.get(column)) is not None}
        reading = Reading(row.line, cells)
        if row.unread:
            self._unread(row, reading)
        self._read_truth(reading)
        for score in self._scores:
            self._read_score(score, reading)
        self._read_time(reading)
        self._read_label_time(reading)
        self._check_ids(reading)
        for name, column in self._segments:
            if (text := values.get(column)) is not None and (group := self._group(name, text)) is not None:
                reading.groups[name] = group
                account.note_group(name, group, row.line)
        if reading.refused:
            account.refused.add(reading.refused, row.line)
        elif reading.unfit:
            account.unfit.add(reading.unfit, row.line)
        if reading.label_refused:
            account.refused_labels.add(reading.label_refused, row.line)
        return reading

    def moment_of(self, row: Row) -> datetime | None:
        """Return a row's time and nothing else; None: there is none that can be read. Not accounted for."""
        column = self.columns.fields.get("occurred_at")
        text = row.values.get(column) if column else None
        if text is None or column in row.unread:
            return None
        try:
            return self._clock.read(text)
        except Unreadable:
            return None

    def label_moment_of(self, row: Row) -> datetime | None:
        """Return when a row's truth came and nothing else; None: the row does not say, or not so that it can be."""
        moment, column = self.moment_of(row), self.columns.fields.get("labelled_at")
        text = row.values.get(column) if column else None
        if moment is None:
            return None
        if text is None or column in row.unread or says_nothing(text):
            return later(moment, self.mapping.label_delay)
        try:
            known = last_moment(self._label_clock.read(text), text)
        except Unreadable:
            return moment
        return max(moment, known)

    def notes(self) -> list[str]:
        """Return how times were read, where it does not stand in the file."""
        times, said = self.times, []
        forms = {form: f"{n:,} {form_said(form)}" for form, n in times.forms.items()}
        if len(forms) > 1:
            said.append(f"occurred_at: times have several forms, each is read by itself: {', '.join(forms.values())}")
        elif not times.time_formats and (units := forms.keys() & EPOCHS.keys()):
            said.append(f"occurred_at: numbers are read as times since 1970 in {units.pop().removeprefix('epoch_')}")
        if times.without_zone:
            zone = self.mapping.time_zone
            read = "count as UTC" if zone == "UTC" else f"are read in {zone}"
            said.append(f"occurred_at: {times.without_zone:,} times name no zone and {read}")
        if times.twice:
            said.append(
                f"occurred_at: {times.twice:,} times lie in an hour that the clocks showed twice: the first is taken"
            )
        if times.never:
            said.append(
                f"occurred_at: {times.never:,} times lie in an hour that the clocks skipped, and count as the next"
            )
        return said

    def _unread(self, row: Row, reading: Reading) -> None:
        for name, column in self._fields:
            if (problem := row.unread.get(column)) is None:
                continue
            why = Objection(column, name, problem)
            if name in SCORES:
                reading.refused = why
                reading.cells.setdefault(name, "?")
            elif name in ("transaction_id", "attempt_id", "subject_ref", "occurred_at"):
                reading.unfit = why
                reading.cells.setdefault(name, "")
            elif name in ("pair", "presentation", "attack_class", "labelled_at"):
                reading.label_refused = why
                reading.cells.setdefault(name, "?")

    def _read_truth(self, reading: Reading) -> None:
        pair = self._truth(reading, "pair")
        presentation = self._truth(reading, "presentation")
        if "pair" in reading.cells or "presentation" in reading.cells:
            self.account.labels += 1
        reading.pair, reading.presentation = pair, presentation
        if presentation == ATTACK:
            self._read_attack_class(reading)
        elif presentation is not None:
            reading.cells.pop("attack_class", None)  # of no attack there is none
        if (species := reading.cells.get("pai_species")) is None:
            return
        read = self._spelling("pai_species", species)
        if read is None or says_nothing(read) or (read := group_of(read.replace("\0", ""))) is None:
            del reading.cells["pai_species"]
            return
        if len(read) > LONGEST_SPECIES:
            self.account.cut["pai_species"] += 1
        reading.species = read[:LONGEST_SPECIES]
        self.account.note_group("pai_species", reading.species, reading.line)

    def _read_attack_class(self, reading: Reading) -> None:
        stated = attack_kind_of(self._spelling("presentation", reading.cells["presentation"]) or "")
        text = reading.cells.get("attack_class")
        if text is None or (reading.label_refused and reading.label_refused.field == "attack_class"):
            reading.attack_class = stated
            return
        said = self._spelling("attack_class", text)
        if said is None or (said == text and says_nothing(text)):
            self.account.said_nothing["attack_class"] += 1
            del reading.cells["attack_class"]
            reading.attack_class = stated
        elif (word := attack_kind_word(said)) is None:
            problem = Objection(self.columns.fields["attack_class"], "attack_class", UNKNOWN)
            reading.label_refused = reading.label_refused or problem
        else:
            self.account.respelt["attack_class"] += word != text
            reading.attack_class = word

    def _truth(self, reading: Reading, name: str) -> str | None:
        text = reading.cells.get(name)
        if text is None or (reading.label_refused and reading.label_refused.field == name):
            return None
        said = self._spelling(name, text)
        if said is None or (said == text and says_nothing(text)):
            self.account.said_nothing[name] += 1
            del reading.cells[name]
            return None
        word = pair_of(said) if name == "pair" else presentation_of(said)
        if word is None:
            problem = AMBIGUOUS if said.casefold() in YES_OR_NO else UNKNOWN
            reading.label_refused = reading.label_refused or Objection(self.columns.fields[name], name, problem)
        elif word != text:
            self.account.respelt[name] += 1
        return word

    def _read_score(self, name: Score, reading: Reading) -> None:
        text = reading.cells.get(name)
        if text is None or (reading.refused and reading.refused.field == name):
            return
        scale, facts = self.scales[name], self._facts[name]
        try:
            value = scale.number(text)
            if value is None:
                self.account.said_nothing[name] += 1
                del reading.cells[name]
                return
            facts.add(value)
            if "," in text:
                self.account.commas[name] += 1
            truth, good = _GOOD[name]
            if (said := reading.pair if truth == "pair" else reading.presentation) is not None:
                (facts.good if said == good else facts.bad).add(-value if scale.lower_is_better else value)
            score = scale.score(value, text)
        except Unusable as problem:
            if reading.refused is None:
                reading.refused = Objection(self.columns.fields[name], name, str(problem))
            return
        if score != value and scale.as_written:
            self.account.rounded[name] += 1
        reading.scores[name] = score

    def _check_ids(self, reading: Reading) -> None:
        for name in ("transaction_id", "attempt_id", "subject_ref"):
            if (text := reading.cells.get(name)) is not None and (len(text) > _LONGEST_ID or "\0" in text):
                self._object(reading, name, f"is longer than {_LONGEST_ID} characters, or holds U+0000")

    def _read_time(self, reading: Reading) -> None:
        if "occurred_at" not in self.columns.fields or (reading.unfit and reading.unfit.field == "occurred_at"):
            return
        text = reading.cells.get("occurred_at")
        if text is None or (says_nothing(text) and not self.mapping.time_format):
            self._object(reading, "occurred_at", BLANK_TIME)
            return
        try:
            reading.moment = self.times.read(text)
        except Unreadable as problem:
            self._object(reading, "occurred_at", str(problem))

    def _read_label_time(self, reading: Reading) -> None:
        """Read when the truth came. Of a file without times of transactions it means nothing."""
        text, moment = reading.cells.get("labelled_at"), reading.moment
        truth = "pair" in reading.cells or "presentation" in reading.cells
        if not truth or moment is None or text is None or says_nothing(text) or reading.label_refused:
            return
        try:
            known = last_moment(self._label_times.read(text), text)
        except Unreadable as problem:
            reading.label_refused = Objection(self.columns.fields["labelled_at"], "labelled_at", str(problem))
            return
        if known < moment:
            reading.label_refused = Objection(self.columns.fields["labelled_at"], "labelled_at", EARLY)
        else:
            reading.labelled_at = known

    def _object(self, reading: Reading, name: str, problem: str) -> None:
        if reading.unfit is None:
            reading.unfit = Objection(self.columns.fields[name], name, problem)

    def _group(self, name: str, text: str) -> str | None:
        return group_of(said) if (said := self._spelling(name, text)) is not None else None

    def _spelling(self, name: str, text: str) -> str | None:
        words = self._values.get(name)
        return text if words is None else words.get(text.casefold(), text)


def with_times(table: Table, columns: Columns) -> Columns:
    """Return the columns, without that of times where all its cells are blank."""
    column = columns.fields.get("occurred_at")
    if column is None or any(row.values.get(column) or row.unread for row in table.rows({column})):
        return columns
    return columns.without("occurred_at")
