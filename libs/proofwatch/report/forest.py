"""Rates as a forest plot: a row for each, with its interval on a scale that all share, the limit, and the rate of all.

The rows are those of a table, so the drawing has its numbers beside it; `templates/parts.html` draws them.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from proofwatch.biometrics.figures import Figure

SPAN: Final = 160.0
"""Units of a drawing from 0 to the end of its scale."""
_FINEST: Final = 0.0005


class Bar(NamedTuple):
    """An interval on a scale, in units of `SPAN`. `beyond`: it goes on where the scale ends; `few`: too few trials."""

    low: float
    at: float
    high: float
    limit: float | None
    overall: float | None
    beyond: bool
    few: bool


class Row(NamedTuple):
    """A rate by its name; without trials there is nothing to draw."""

    name: str
    figure: Figure
    limit: float | None
    bar: Bar | None


class Forest(NamedTuple):
    """Rows on a scale from 0 to `top`; `kept_back` values with `kept_back_trials` trials are too small to be shown.

    `left_out` rows are beyond the number that a page has room for, `overall` is the rate of all.
    """

    caption: str
    first: str
    rows: Sequence[Row]
    top: float
    limit: float | None = None
    overall: Figure | None = None
    kept_back: int = 0
    kept_back_trials: int = 0
    left_out: int = 0


def forest(
    caption: str,
    first: str,
    figures: Mapping[str, Figure],
    *,
    limit: float | None,
    overall: Figure | None = None,
    min_trials: int = 0,
    small_cell: int = 0,
    most: int = 100,
) -> Forest:
    """Return the figures by name, the highest rate first; at most `most`: those with the most trials.

    A value with fewer than `small_cell` trials shows single people: it is kept back, and with it as many more as it
    takes that none can be had by subtracting what is shown from all.
    """
    shown, back = _without_small(figures, small_cell)
    kept = sorted(shown, key=lambda name: (-(figures[name].n or 0), name))[:most]
    rows = sorted(kept, key=lambda name: (-(figures[name].value or 0.0), figures[name].n or 0, name))
    top = _top([figures[name] for name in rows], limit, overall, min_trials)
    at = None if overall is None else overall.value
    return Forest(
        caption,
        first,
        [Row(name, figures[name], limit, bar(figures[name], top, limit, at, min_trials)) for name in rows],
        top,
        limit,
        overall,
        len(back),
        sum(figures[name].n or 0 for name in back),
        len(shown) - len(kept),
    )


def single(name: str, figure: Figure, limit: float | None, min_trials: int = 0) -> Row:
    """Return a rate on a scale of its own."""
    return Row(name, figure, limit, bar(figure, _top([figure], limit, None, 0), limit, None, min_trials))


def bar(figure: Figure, top: float, limit: float | None, overall: float | None, min_trials: int = 0) -> Bar | None:
    """Return the interval of a figure on a scale from 0 to `top`; None without one."""
    if figure.value is None or figure.low is None or figure.high is None:
        return None

    def place(rate: float) -> float:
        return round(SPAN * min(rate / top, 1.0), 1)

    def mark(rate: float | None) -> float | None:
        return None if rate is None or rate > top else place(rate)

    return Bar(
        place(figure.low),
        place(figure.value),
        place(figure.high),
        mark(limit),
        mark(overall),
        beyond=figure.high > top,
        few=(figure.n or 0) < min_trials,
    )


def _without_small(figures: Mapping[str, Figure], small_cell: int) -> tuple[list[str], list[str]]:
    by_trials = sorted(figures, key=lambda name: (figures[name].n or 0, name))
    back = sum((figures[name].n or 0) < small_cell for name in by_trials)
    while 0 < back < len(by_trials) and (
        back == 1 or sum(figures[name].n or 0 for name in by_trials[:back]) < small_cell
    ):
        back += 1
    return by_trials[back:], by_trials[:back]


def _top(figures: Sequence[Figure], limit: float | None, overall: Figure | None, min_trials: int) -> float:
    """Return the end of the scale: what is known well, and the limit, lie within."""
    known = [each for each in figures if (each.n or 0) >= min_trials] or list(figures)
    ends = [each.high for each in known if each.high is not None]
    if overall is not None and overall.high is not None:
        ends.append(overall.high)
    return min(1.0, max([*(1.05 * end for end in ends), 1.3 * (limit or 0.0), _FINEST]))
