"""What became of a file's rows as they were read: what was refused and why, and what was read otherwise than it stands.

Problems are words of ours and places are line numbers: never what a cell holds.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import inf, sqrt
from typing import Final, NamedTuple

from proofwatch.scorefile.labels import likeness
from proofwatch.scorefile.mapping import BlankMeaning

_MOST_OUTSIDE: Final = 8
_MOST_GROUPS: Final = 1_000
_LEAST: Final = 5


class Objection(NamedTuple):
    """What is wrong with a row: the file's column, ours, and the problem in words."""

    column: str
    field: str
    problem: str


@dataclass(slots=True)
class Reasons:
    """Why rows were refused: how many of each reason, and the line of the first."""

    counts: Counter[Objection] = field(default_factory=Counter)
    lines: dict[Objection, int] = field(default_factory=dict)

    def add(self, why: Objection, line: int) -> None:
        """Count one row."""
        self.counts[why] += 1
        self.lines[why] = min(line, self.lines.get(why, line))

    def commonest(self, most: int | None = None) -> list[tuple[Objection, int]]:
        """Return the reasons with their numbers, the commonest first; equally common ones by their lines."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], self.lines[each[0]], each[0]))[:most]

    @property
    def total(self) -> int:
        """Return how many rows were refused."""
        return self.counts.total()


class Blanks(NamedTuple):
    """What a blank of one score means.

    `rows`: those without a label in which it is blank, and the other score is there. `both`: those that have both.
    `said`: the mapping decides, also of rows without any score, and of those with a label of the other check.
    """

    meaning: BlankMeaning
    rows: int
    both: int
    said: bool

    def asked(self, *, alone: bool) -> bool:
        """Return whether a blank was asked for; `alone`: the other score is there, and no label."""
        return self.meaning == "missing" and (alone or self.said)


@dataclass(slots=True)
class Side:
    """Moments of the scores of one class of trials."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        """Take one number."""
        self.n += 1
        self.total += value
        self.squares += value * value

    @property
    def mean(self) -> float:
        """Return the mean; of nothing, 0."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance_of_mean(self) -> float:
        """Return the variance of the mean."""
        return max(0.0, self.squares / self.n - self.mean**2) / self.n if self.n else 0.0


@dataclass(slots=True)
class Facts:
    """The numbers of one score column, in the file's own units."""

    n: int = 0
    low: float = inf
    high: float = -inf
    negative: int = 0
    above_one: int = 0
    above_hundred: int = 0
    outside: Counter[float] = field(default_factory=Counter)
    good: Side = field(default_factory=Side)
    bad: Side = field(default_factory=Side)

    def add(self, value: float) -> None:
        """Take one number of a readable cell."""
        self.n += 1
        self.low, self.high = min(self.low, value), max(self.high, value)
        if not 0 <= value <= 1:
            self.negative += value < 0
            self.above_one += value > 1
            self.above_hundred += value > 100
            if len(self.outside) < _MOST_OUTSIDE or value in self.outside:
                self.outside[value] += 1

    @property
    def upside_down(self) -> bool:
        """Return whether what ought to be accepted scores lower, beyond chance."""
        good, bad = self.good, self.bad
        if min(good.n, bad.n) < _LEAST:
            return False
        spread = sqrt(good.variance_of_mean + bad.variance_of_mean)
        return bad.mean - good.mean > 5 * spread


@dataclass(slots=True)
class Account:
    """What one reading of a file came to."""

    rows: int = 0
    labels: int = 0
    refused: Reasons = field(default_factory=Reasons)  # rows without a score that can be judged
    unfit: Reasons = field(default_factory=Reasons)  # rows that are no transaction for another reason
    refused_labels: Reasons = field(default_factory=Reasons)
    facts: dict[str, Facts] = field(default_factory=dict)
    rounded: Counter[str] = field(default_factory=Counter)
    said_nothing: Counter[str] = field(default_factory=Counter)
    commas: Counter[str] = field(default_factory=Counter)
    respelt: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    groups: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)

    def note_group(self, segment: str, value: str, line: int) -> None:
        """Remember a group's spelling."""
        known = self.groups.setdefault(segment, {})
        alike = likeness(value)
        if alike in known or len(known) < _MOST_GROUPS:
            known.setdefault(alike, {}).setdefault(value, line)

    def look_alikes(self) -> dict[str, list[int]]:
        """Return, by segment, lines on which spellings stand that look like another one's."""
        found = {}
        for segment, known in self.groups.items():
            lines = sorted(line for spellings in known.values() if len(spellings) > 1 for line in spellings.values())
            if lines:
                found[segment] = lines
        return found
