"""Handsets as people read them: what fails beside the rest of the tenant, and how long it takes there and elsewhere."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from services.aggregator.api.bodies import Durations, Handset, Share
from services.console.pages.rate_rows import percent

WIDTH: Final = 160
"""Units of a drawing from 0 to the end of its scale."""
_FINEST: Final = 0.001
_DIMENSIONS: Final = {
    "device_model": "Device models", "os": "Operating systems", "sdk_version": "SDK releases", "country": "Countries",
}  # fmt: skip
TIMINGS: Final = {"capture_ms": "Capture", "upload_ms": "Upload", "match_ms": "Match", "liveness_ms": "Liveness"}
_S_MS: Final = 1_000
Ends = tuple[float | None, float | None]


class Bar(NamedTuple):
    """An interval on the scale of its column, in units of `WIDTH`; `rest`: where the rest of the tenant is."""

    low: float
    at: float
    high: float
    rest: float | None


class Told(NamedTuple):
    """A share: k of n, rate, interval, the rest's rate. `more`: how many beyond those at the rate of the rest."""

    of: str
    rate: str
    interval: str
    rest: str
    more: str
    bar: Bar | None


class Took(NamedTuple):
    """Durations: quantiles as far as a sketch tells them. `longer`: p95 is certainly longer than the rest's."""

    n: str
    p50: str
    p95: str
    p99: str
    rest: str
    longer: bool
    bar: Bar | None


class Row(NamedTuple):
    """A value of a dimension. `place`: NAME=VALUE."""

    name: str
    place: str
    transactions: str
    failure: Told
    rejection: Told
    response: Told
    took: Sequence[Took]


class Dimension(NamedTuple):
    """Those of one dimension, the most excess failures first. `top`: the end of the scale of failures, as text;
    `timed`: there are durations of some.
    """

    name: str
    title: str
    rows: Sequence[Row]
    top: str
    timed: bool


def dimensions(found: Sequence[Handset]) -> list[Dimension]:
    """Return the tables, in the order in which they come."""
    return [_dimension(name, list(rows)) for name, rows in groupby(found, key=lambda each: each.segment_name)]


def _dimension(name: str, rows: Sequence[Handset]) -> Dimension:
    ends = [end for each in rows for end in (each.failure.high, each.failure.rest) if end is not None]
    top = max([*ends, _FINEST])
    longest = {of: _longest([each.durations[of] for each in rows]) for of in TIMINGS}
    shown = [
        Row(
            each.segment_value,
            f"{each.segment_name}={each.segment_value}",
            f"{each.transactions:,}",
            _told(each.failure, each.excess_failures, top),
            _told(each.rejection, each.excess_rejections, None),
            _told(each.response, None, None),
            [_took(each.durations[of], longest[of]) for of in TIMINGS],
        )
        for each in rows
    ]
    timed = any(took.bar for row in shown for took in row.took)
    return Dimension(name, _DIMENSIONS.get(name, f"By {name}"), shown, percent(top), timed)


def _told(each: Share, excess: float | None, top: float | None) -> Told:
    bar = None
    if top and each.low is not None and each.value is not None and each.high is not None:
        low, at, high = (round(WIDTH * end / top, 1) for end in (each.low, each.value, each.high))
        bar = Bar(low, at, high, None if each.rest is None else round(WIDTH * each.rest / top, 1))
    of = f"{each.k:,} of {each.n:,}" if each.n else "none"
    return Told(of, percent(each.value), f"{percent(each.low)} to {percent(each.high)}", percent(each.rest),
                _more(excess), bar)  # fmt: skip


def _more(excess: float | None) -> str:
    if excess is None:
        return "nothing to compare with"
    count = round(abs(excess))
    if not count:
        return "as many as at that rate"
    return f"{count:,} {'more' if excess > 0 else 'fewer'} than at that rate"


def _longest(given: Sequence[Durations]) -> float:
    ends = [_end(quantile) for each in given for quantile in (each.p95, each.rest_p95)]
    return max([*ends, 1.0])


def _took(each: Durations, longest: float) -> Took:
    bar = None
    if each.n:
        rest = None if each.rest_p95 == (None, None) else _at(_end(each.rest_p95), longest)
        bar = Bar(_at(_begin(each.p50), longest), _at(_end(each.p50), longest), _at(_end(each.p95), longest), rest)
    rest_high = each.rest_p95[1]
    longer = each.p95[0] is not None and rest_high is not None and each.p95[0] >= rest_high
    return Took(f"{each.n:,}", _ms(each.p50), _ms(each.p95), _ms(each.p99), _ms(each.rest_p95), longer, bar)


def _begin(quantile: Ends) -> float:
    return quantile[0] or 0.0


def _end(quantile: Ends) -> float:
    """Return the upper edge; beyond the last edge, the last."""
    return quantile[1] if quantile[1] is not None else quantile[0] or 0.0


def _at(ms: float, longest: float) -> float:
    return round(WIDTH * min(ms, longest) / longest, 1)


def _ms(quantile: Ends) -> str:
    """Return where a quantile lies: "1.2 to 1.3 s", "beyond 60 s", or – where nothing was timed."""
    low, high = quantile
    if high is None:
        return "–" if low is None else f"beyond {_one(low)}"
    if low is None or low <= 0:
        return f"below {_one(high)}"
    if high < _S_MS:
        return f"{low:.0f} to {high:.0f} ms"
    return f"{low / _S_MS:.3g} to {high / _S_MS:.3g} s"


def _one(ms: float) -> str:
    return f"{ms:.0f} ms" if ms < _S_MS else f"{ms / _S_MS:.3g} s"
