"""Scores as files have them, on the scale from 0 to 1 where a higher score is a better one."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final

from proofwatch.events.mending import ROUNDING

NOT_A_NUMBER: Final = "is not a number"
NAN: Final = "is NaN or an infinity"
COMMA: Final = "has a decimal comma"
PERCENT: Final = "has a percent sign"
ABOVE: Final = "is above the scale"
BELOW: Final = "is below the scale"
_NO_SCORE: Final = frozenset({"na", "n/a", "#n/a", "null", "none", "nil", "-", "--", "missing"})
"""Words that say that there is none. NaN is none of them: it may be a fault of the matcher."""


def says_nothing(text: str) -> bool:
    """Return whether a cell says in a word that it holds nothing."""
    return text.casefold() in _NO_SCORE


class Unusable(ValueError):
    """The cell holds no score; the message says what is wrong, never the cell."""


@dataclass(slots=True)
class Scale:
    """How one check's scores are read.

    `low` and `high` are the ends of the scale in the file's own units; both None: the scale is 0 to 1. `any_range`:
    the scores stay as they are, whatever their range. `missing` are texts and numbers that stand for no score.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    lower_is_better: bool = False
    any_range: bool = False
    decimal_comma: bool = False
    missing_texts: frozenset[str] = frozenset()
    missing_numbers: frozenset[float] = frozenset()

    @property
    def as_written(self) -> bool:
        """Return whether a score of the file is the score that counts."""
        return self.low is None and not self.lower_is_better

    def number(self, text: str) -> float | None:
        """Return the number that a cell holds, in the file's own units; None: it says that there is no score.

        Raises `Unusable`.
        """
        try:
            value = float(text)
        except ValueError:
            return self._other(text)
        if "_" in text:  # float() accepts 1_000, no score file means it
            raise Unusable(NOT_A_NUMBER)
        if text in self.missing_texts or value in self.missing_numbers:
            return None
        if value - value != 0:
            if value != value and any(each != each for each in self.missing_numbers):  # NaN equals nothing
                return None
            raise Unusable(NAN)
        return value

    def score(self, value: float, text: str) -> float:
        """Return the score of a number that stands in the file as `text`. Raises `Unusable` outside of the scale."""
        if self.any_range:
            return value
        score = value if self.as_written else self.place(text)
        if 0 <= score <= 1:
            return score
        if score > 1:
            if score <= 1 + ROUNDING:
                return 1.0
            raise Unusable(BELOW if self.lower_is_better else ABOVE)
        if score >= -ROUNDING:
            return 0.0
        raise Unusable(ABOVE if self.lower_is_better else BELOW)

    def place(self, text: str) -> float:
        """Return where a number of the file lies on the scale from 0 to 1; exact decimals in, the nearest float out."""
        if self.any_range:
            return float(text)
        value = Decimal(text.replace(",", ".").rstrip("% ") if self.low is not None or self.decimal_comma else text)
        low, high = (Decimal(0), Decimal(1)) if self.low is None or self.high is None else (self.low, self.high)
        part = (high - value) if self.lower_is_better else (value - low)
        return float(part / (high - low))

    def _other(self, text: str) -> float | None:
        """Return what a cell that is no plain number says."""
        if text in self.missing_texts or text.casefold() in _NO_SCORE:
            return None
        if text.endswith("%"):
            value = _decimal(text[:-1].strip().replace(",", "." if self.decimal_comma else ","))
            if self.low is not None and value is not None:
                return value
            raise Unusable(NOT_A_NUMBER if value is None else PERCENT)
        if text.count(",") == 1 and "." not in text and (value := _decimal(text.replace(",", "."))) is not None:
            if self.decimal_comma:
                return None if value in self.missing_numbers else value
            raise Unusable(COMMA)
        raise Unusable(NOT_A_NUMBER)


def _decimal(text: str) -> float | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return float(value) if value.is_finite() and "_" not in text else None
