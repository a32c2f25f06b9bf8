"""A DET curve drawn: errors of either kind against each other, each step of an axis ten times the one before."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Final, NamedTuple

from services.aggregator.api.bodies import DetCurve, DetPoint
from services.console.pages import words
from services.console.pages.rate_rows import percent
from services.console.pages.rate_words import named

SIDE: Final = 320
"""Units of either side of a drawing."""
_ROWS: Final = 12


class Tick(NamedTuple):
    """A place of an axis, in units of `SIDE`, and what it says."""

    at: float
    text: str


class Place(NamedTuple):
    """A point of the drawing: x from the left, y from above."""

    x: float
    y: float


class Line(NamedTuple):
    """A point of the table."""

    threshold: str
    accepted: str
    accepted_of: str
    rejected: str
    rejected_of: str
    mark: str


class Chart(NamedTuple):
    """A curve; `here`: the threshold in force, `tried`: the nearest point to what is tried, None: none."""

    title: str
    accepts: str
    rejects: str
    path: str
    across: Sequence[Tick]
    up: Sequence[Tick]
    here: Place | None
    tried: Place | None
    lines: Sequence[Line]


def chart(curve: DetCurve, tried: float | None) -> Chart:
    """Return a curve as it is drawn, with at most a dozen of its points as a table beside."""
    low_x, low_y = _floor(curve.accepts_n), _floor(curve.rejects_n)

    def place(point: DetPoint) -> Place:
        return Place(
            _at(point.accepted / curve.accepts_n, low_x), round(SIDE - _at(point.rejected / curve.rejects_n, low_y), 1)
        )

    near = _nearest(curve.points, tried)
    accepts, rejects = named(curve.accepts), named(curve.rejects)
    return Chart(
        words.sentence(f"{accepts} against {rejects}"),
        words.sentence(accepts),
        words.sentence(rejects),
        " ".join(f"{x},{y}" for x, y in map(place, curve.points)),
        _ticks(low_x),
        [Tick(round(SIDE - each.at, 1), each.text) for each in _ticks(low_y)],
        place(curve.in_force) if curve.in_force else None,
        place(near) if near else None,
        _lines(curve, near),
    )


def _lines(curve: DetCurve, near: DetPoint | None) -> list[Line]:
    points = curve.points
    step = max(1, ceil(len(points) / _ROWS))
    shown = {each.threshold: each for each in points[::step]}
    for each in (curve.in_force, near):
        if each:
            shown[each.threshold] = each
    return [_line(curve, each, near) for _, each in sorted(shown.items())]


def _line(curve: DetCurve, each: DetPoint, near: DetPoint | None) -> Line:
    mark = "in force" if curve.in_force and each.threshold == curve.in_force.threshold else ""
    if near and each.threshold == near.threshold:
        mark = f"{mark}, tried" if mark else "tried"
    return Line(
        f"{each.threshold:.6g}",
        percent(each.accepted / curve.accepts_n),
        f"{each.accepted:,} of {curve.accepts_n:,}; {percent(each.accepted_low)} to {percent(each.accepted_high)}",
        percent(each.rejected / curve.rejects_n),
        f"{each.rejected:,} of {curve.rejects_n:,}; {percent(each.rejected_low)} to {percent(each.rejected_high)}",
        mark,
    )


def _nearest(points: Sequence[DetPoint], threshold: float | None) -> DetPoint | None:
    if threshold is None or not points:
        return None
    return min(points, key=lambda each: abs(each.threshold - threshold))


def _floor(n: int) -> int:
    """Return the power of ten below what one error of n is: where an axis begins."""
    return min(-1, floor(log10(1 / n)))


def _at(share: float, low: int) -> float:
    """Return where a share lies on an axis from ten to the power of `low` up to 1; none at all a step before that."""
    begin = low - 1
    return round(SIDE * (log10(max(share, 10.0**low)) - begin) / -begin, 1) if share > 0 else 0.0


def _ticks(low: int) -> list[Tick]:
    return [Tick(0.0, "none"), *[Tick(_at(10.0**power, low), f"{100 * 10.0**power:g} %") for power in range(low, 1)]]
