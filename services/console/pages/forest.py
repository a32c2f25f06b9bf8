"""Forest plots: rates below each other on one axis, each with its interval, against a limit and the whole tenant.

An axis holds every rate, and the interval that is known best. One that goes on beyond is cut there and says so by an
arrow: those of few trials would else leave no room for what is told apart.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import ceil, floor, log10
from typing import Final, NamedTuple

from proofwatch.detection.words import METRICS
from services.aggregator.api.bodies import Rate
from services.console.pages import words
from services.console.pages.rate_rows import Mark, mark_of, metric_of, percent, says

WIDTH: Final = 320
"""Units of a drawing from 0 to the end of its axis."""
_FINEST: Final = 0.001
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_OF_SPECIES: Final = ("apcer", "iapar", "injection_pass_rate", "injection_accept_rate")
_FIRST: Final = (*_OF_SPECIES[:2], "bpcer", "fmr", "fnmr")


class Tick(NamedTuple):
    """A place of an axis, in units of `WIDTH`, and what it says."""

    at: float
    text: str


class Axis(NamedTuple):
    """From 0 on; `limit` and `whole` (the tenant's own rate) in units of `WIDTH`, None: there is none."""

    ticks: Sequence[Tick]
    limit: float | None
    whole: float | None


class Point(NamedTuple):
    """A rate and its interval in units of `WIDTH`; `beyond`: the interval goes on after the axis."""

    low: float
    at: float
    high: float
    beyond: bool


class Line(NamedTuple):
    """A rate. `of`: k and n; `beside`: what its name does not say; `place`: NAME=VALUE of a segment, or nothing."""

    name: str
    beside: str
    place: str
    of: str
    rate: str
    interval: str
    point: Point | None
    mark: Mark
    status: str
    says: str
    metric: str = ""


class Forest(NamedTuple):
    """The rates of one metric, the highest lower bound first. `limit`, `whole`: as text, or nothing."""

    metric: str
    title: str
    first: str
    lines: Sequence[Line]
    axis: Axis
    limit: str
    whole: str


class Proven(NamedTuple):
    """How many rates with a limit are proven to be above it, to keep it, or neither."""

    above: int
    kept: int
    open: int


def species(rates: Iterable[Rate]) -> list[Forest]:
    """Return a plot for each way in which attacks get through, a line for each species."""
    shown = [each for each in rates if ":" in each.metric and each.n]
    found = []
    for metric in _OF_SPECIES:
        own = [each for each in shown if each.metric.partition(":")[0] == metric]
        if own:
            first = "Method" if metric.startswith("injection") else "Species"
            found.append(_forest(metric, _title(metric), first, own, None))
    return found


def segments(rates: Iterable[Rate], whole: Iterable[Rate]) -> list[Forest]:
    """Return a plot for each metric of a segment, those by labels first; `whole`: the rates of the whole tenant.

    Attacks are those of all species: of a value, and of each species, the page of rates tells.
    """
    shown = sorted((each for each in rates if ":" not in each.metric and each.n), key=_order)
    of_tenant = {(each.source, each.metric): each for each in whole}
    found = []
    for (source, metric), values in groupby(shown, key=lambda each: (each.source, each.metric)):
        own = list(values)
        title = _title(metric) if source == "labelled" else f"{_title(metric)}, by decisions"
        found.append(_forest(metric, title, str(own[0].segment_name), own, of_tenant.get((source, metric))))
    return found


def proven(plots: Iterable[Forest]) -> Proven:
    """Return what is proven of the rates that have a limit."""
    marks = [line.mark for plot in plots for line in plot.lines]
    return Proven(marks.count("high"), marks.count("well"), marks.count("medium"))


def _forest(metric: str, title: str, first: str, rates: Sequence[Rate], whole: Rate | None) -> Forest:
    of_all = whole.value if whole is not None and whole.n else None
    limit = next((each.limit for each in rates if each.limit is not None), None)
    top, step = _scale(rates, limit, of_all)
    count = round(top / step)
    ticks = [Tick(_at(n * step, top), f"{100 * n * step:.4g} %") for n in range(count + 1)]
    axis = Axis(ticks, None if limit is None else _at(limit, top), None if of_all is None else _at(of_all, top))
    ranked = sorted(rates, key=lambda each: (-(each.low or 0.0), each.segment_value or "", each.metric))
    return Forest(
        metric, title, first, [_line(each, top) for each in ranked], axis,
        "" if limit is None else percent(limit), "" if of_all is None else percent(of_all),
    )  # fmt: skip


def _scale(rates: Sequence[Rate], limit: float | None, whole: float | None) -> tuple[float, float]:
    """Return the end of an axis, and the steps that it is divided into."""
    ends = sorted(each.high or 0.0 for each in rates)
    of_rates = max(ends[0], 2 * max((each.value or 0.0) for each in rates))
    needed = min(1.0, max(2 * (limit or 0.0), 1.5 * (whole or 0.0), min(ends[-1], of_rates), _FINEST))
    raw = needed / 4
    power = 10.0 ** floor(log10(raw))
    step = power * next(each for each in _STEPS if each * power >= raw * (1 - 1e-9))
    return min(1.0, step * ceil(needed / step - 1e-9)), step


def _line(each: Rate, top: float) -> Line:
    name, beside, place = each.metric.partition(":")[2] or each.species or "", "", ""
    if each.segment_name is not None:
        name, place = str(each.segment_value), f"{each.segment_name}={each.segment_value}"
        beside = f"the worst species: {each.species}" if each.species else ""
    elif each.species:
        name = each.species
    return Line(
        name, beside, place, f"{each.k:,} of {each.n:,}", percent(each.value),
        f"{percent(each.low)} to {percent(each.high)}", _point(each, top), mark_of(each), each.status or "no limit",
        says(each), metric_of(each),
    )  # fmt: skip


def _point(each: Rate, top: float) -> Point | None:
    if each.low is None or each.value is None or each.high is None:
        return None
    return Point(_at(each.low, top), _at(each.value, top), _at(each.high, top), each.high > top)


def _at(share: float, top: float) -> float:
    return round(WIDTH * min(share, top) / top, 1)


def _title(metric: str) -> str:
    return words.sentence(METRICS.get(metric, metric.replace("_", " ")))


def _order(each: Rate) -> tuple[bool, int, str]:
    place = _FIRST.index(each.metric) if each.metric in _FIRST else len(_FIRST)
    return each.source != "labelled", place, each.metric
