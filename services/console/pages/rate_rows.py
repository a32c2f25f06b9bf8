"""Rates as people read them: a sentence for each, and its interval drawn on a scale that the whole table shares."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, Literal, NamedTuple

from proofwatch.detection.words import METRICS
from services.aggregator.api.bodies import Rate, Rates
from services.console.pages import words

WIDTH: Final = 160
"""Units of a drawing from 0 to the end of its scale."""
_FINEST: Final = 0.001
_WHY: Final = {
    "too_few_trials": "there are too few trials",
    "straddles_the_limit": "the interval goes from below the limit to above it",
}
Mark = Literal["well", "high", "medium", ""]
_SOURCES: Final = {"labelled": "By labels: what is known to be true", "decisions": "By decisions alone: proxies"}


class Bar(NamedTuple):
    """An interval on the scale of its table, in units of `WIDTH`."""

    low: float
    at: float
    high: float
    limit: float | None


class Row(NamedTuple):
    """A rate. `mark`: the class of its status; `says`: the status in a sentence.

    `metric`: as the page of its windows is asked for it; `place`: NAME=VALUE of its segment, or nothing.
    """

    name: str
    of: str
    rate: str
    interval: str
    bar: Bar | None
    mark: Mark
    status: str
    says: str
    metric: str
    place: str
    incident: str = ""


class Group(NamedTuple):
    """Rates on one scale, from 0 to `top`."""

    title: str
    first: str
    rows: Sequence[Row]
    top: str


def groups(found: Rates) -> list[Group]:
    """Return the tables: of a tenant one by labels and one by decisions; of a segment one for each metric."""
    of_values = any(each.segment_name for each in found.rates)
    shown = [each for each in found.rates if each.n]
    if not of_values:
        return [
            _group(_SOURCES[source], "Rate", [(name_of(each), each) for each in shown if each.source == source])
            for source in ("labelled", "decisions")
            if any(each.source == source for each in shown)
        ]
    by_metric = sorted(shown, key=lambda each: (each.source != "labelled", each.metric, each.species or ""))
    return [
        _group(title, str(shown[0].segment_name), [(str(each.segment_value), each) for each in rates])
        for title, rates in (
            (title, sorted(rates, key=lambda each: -(each.low or 0.0)))
            for title, rates in groupby(by_metric, key=_title)
        )
    ]


def _group(title: str, first: str, rates: Sequence[tuple[str, Rate]]) -> Group:
    ends = [end for _, each in rates for end in (each.high, each.limit) if end is not None]
    top = max([*ends, _FINEST])
    return Group(title, first, [_row(name, each, top) for name, each in rates], f"{top:.3g}")


def _row(name: str, each: Rate, top: float) -> Row:
    bar = None
    if each.low is not None and each.value is not None and each.high is not None:
        low, at, high = (round(WIDTH * end / top, 1) for end in (each.low, each.value, each.high))
        bar = Bar(low, at, high, None if each.limit is None else round(WIDTH * each.limit / top, 1))
    return Row(
        name, f"{each.k:,} of {each.n:,}", percent(each.value), f"{percent(each.low)} to {percent(each.high)}", bar,
        mark_of(each), each.status or "no limit", says(each), metric_of(each), place_of(each),
    )  # fmt: skip


def metric_of(each: Rate) -> str:
    """Return by what a rate's own windows are asked for: a headline of species is that of its worst one."""
    return f"{each.metric}:{each.species}" if each.species and ":" not in each.metric else each.metric


def place_of(each: Rate) -> str:
    """Return NAME=VALUE of a rate of a segment, or nothing."""
    return f"{each.segment_name}={each.segment_value}" if each.segment_name else ""


def mark_of(each: Rate) -> Mark:
    """Return the class of a status."""
    if each.status is None:
        return ""
    return "well" if each.status == "PASS" else "high" if each.status == "BREACH" else "medium"


def says(each: Rate) -> str:
    """Return what the status means, and how much of it the labels cover."""
    told = ""
    if each.limit is not None:
        limit = percent(each.limit)
        if each.status == "PASS":
            told = f"proven to keep its limit of {limit}."
        elif each.status == "BREACH":
            told = f"proven to be above its limit of {limit}."
        else:
            told = f"nothing is proven about its limit of {limit}: {_why(each)}."
    if each.coverage is not None:
        told = f"{told} Labels cover {each.coverage:.1%} of the transactions.".strip()
    return words.sentence(told)


def _why(each: Rate) -> str:
    why = _WHY.get(each.reason or "too_few_trials", (each.reason or "").replace("_", " "))
    if each.needed_without_error:
        why += f"; {each.needed_without_error:,} more trials without an error would prove that it is kept"
    if each.needed_at_present_rate:
        why += f"; at the present rate it takes {each.needed_at_present_rate:,} more trials to decide"
    return why


def _title(each: Rate) -> str:
    return name_of(each) if each.source == "labelled" else f"{name_of(each)}, by decisions"


def name_of(each: Rate) -> str:
    """Return what a rate is called: that of one species by it, a headline with the species that is the worst."""
    metric, _, of = each.metric.partition(":")
    name = words.sentence(METRICS.get(metric, metric.replace("_", " ")))
    if of:
        return f"{name}, {of}"
    return f"{name}, the worst species: {each.species}" if each.species else name


def percent(share: float | None) -> str:
    """Return a rate in percent, as finely as it is told apart."""
    if share is None:
        return "–"
    return f"{share:.1%}" if share >= 0.1 else f"{share:.2%}" if share >= 0.01 else f"{share:.3%}"
